export class HttpError extends Error {
  constructor(readonly status: number) {
    super(`HTTP ${status}`);
  }
}

export function csrfToken(): string {
  return document.querySelector<HTMLMetaElement>('meta[name="csrf-token"]')?.content ?? "";
}

export async function getJson<T>(address: string): Promise<T> {
  const answer = await fetch(address, {
    headers: { Accept: "application/json", "X-Requested-With": "XMLHttpRequest" },
    credentials: "same-origin",
    cache: "no-store",
  });
  if (!answer.ok || answer.redirected) throw new HttpError(answer.redirected ? 401 : answer.status);
  return (await answer.json()) as T;
}

export async function post(address: string, body: Record<string, string> = {}): Promise<Response> {
  const answer = await fetch(address, {
    method: "POST",
    headers: { Accept: "application/json", "X-CSRFToken": csrfToken(), "X-Requested-With": "XMLHttpRequest" },
    credentials: "same-origin",
    body: new URLSearchParams(body),
  });
  if (!answer.ok) throw new HttpError(answer.status);
  return answer;
}
