/** The API of one sheet: JSON both ways, refusals as errors with their sentence. */
import { csrfToken } from "../http";
import type { Row } from "./model";

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly fields: Readonly<Record<string, readonly string[]>> = {},
    readonly current: Row | undefined = undefined,
    /** The page on which the same is asked for with what it would move. */
    readonly form: string = "",
  ) {
    super(message);
  }
}

interface Refusal {
  code?: string;
  message?: string;
  fields?: Record<string, string[]>;
  current?: Row;
  form?: string;
}

export async function call<T>(method: string, address: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const headers: Record<string, string> = { Accept: "application/json", "X-Requested-With": "XMLHttpRequest" };
  if (method !== "GET") headers["X-CSRFToken"] = csrfToken();
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const init: RequestInit = { method, headers, credentials: "same-origin", cache: "no-store" };
  if (body !== undefined) init.body = JSON.stringify(body);
  if (signal !== undefined) init.signal = signal;
  const answer = await fetch(address, init);
  if (answer.redirected) throw new ApiError(401, "http.401", "");
  const told = (await answer.json().catch(() => ({}))) as T & { error?: Refusal; current?: Row };
  if (answer.ok) return told;
  const refusal = told.error ?? {};
  throw new ApiError(answer.status, refusal.code ?? `http.${answer.status}`, refusal.message ?? "", refusal.fields ?? {}, refusal.current ?? told.current, refusal.form);
}

/** Unique per act: the server does it once however often it arrives. */
export function requestKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (one) => one.toString(16).padStart(2, "0")).join("");
}

export class SheetApi {
  readonly base: string;

  constructor(readonly code: string) {
    this.base = `/api/v1/sheets/${encodeURIComponent(code)}`;
  }

  get<T>(path: string, signal?: AbortSignal): Promise<T> {
    return call<T>("GET", this.base + path, undefined, signal);
  }
  post<T>(path: string, body: unknown, signal?: AbortSignal): Promise<T> {
    return call<T>("POST", this.base + path, body, signal);
  }
  patch<T>(path: string, body: unknown): Promise<T> {
    return call<T>("PATCH", this.base + path, body);
  }
  remove<T>(path: string, body: unknown): Promise<T> {
    return call<T>("DELETE", this.base + path, body);
  }
}
