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

/** What is asked for stands in no address: addresses are logged. */
export async function postJson<T>(address: string, body: unknown): Promise<T> {
  const answer = await fetch(address, {
    method: "POST",
    headers: { Accept: "application/json", "Content-Type": "application/json", "X-CSRFToken": csrfToken(), "X-Requested-With": "XMLHttpRequest" },
    credentials: "same-origin",
    body: JSON.stringify(body),
  });
  if (!answer.ok || answer.redirected) throw new HttpError(answer.redirected ? 401 : answer.status);
  return (await answer.json()) as T;
}

/** As a form is sent, whatever the answer: a refusal has words of its own. */
export async function send(address: string, body: Record<string, string> | FormData): Promise<Response> {
  return await fetch(address, {
    method: "POST",
    headers: { Accept: "application/json", "X-CSRFToken": csrfToken(), "X-Requested-With": "XMLHttpRequest" },
    credentials: "same-origin",
    body: body instanceof FormData ? body : new URLSearchParams(body),
  });
}

export async function post(address: string, body: Record<string, string> = {}): Promise<Response> {
  const answer = await send(address, body);
  if (!answer.ok) throw new HttpError(answer.status);
  return answer;
}

/** Words the server made for a part of the page; a redirection leads to the login page, which is none. */
export async function postForWords(address: string, body: Record<string, string>): Promise<string> {
  const answer = await post(address, body);
  if (answer.redirected) throw new HttpError(401);
  return await answer.text();
}
