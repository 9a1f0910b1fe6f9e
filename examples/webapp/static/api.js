// @ts-check
import { cookieSession } from "./session.js";

export const session = cookieSession();

/** There is no session. */
export class LoggedOut extends Error {}

/** The server has rejected a request. */
export class Rejected extends Error {
    /** @param {{ detail: string, code: string, step?: string, errors?: Record<string, string[]> }} body */
    constructor(body) {
        super(body.detail);
        this.code = body.code;
        this.step = body.step;
        this.errors = body.errors ?? {};
    }
}

/**
 * Sends a request of the user to the API and returns the JSON of the response.
 *
 * @param {string} path
 * @param {string} [method]
 * @param {object} [body]
 */
export async function api(path, method = "GET", body) {
    const headers = body && { "content-type": "application/json" };
    const request = { method, headers, body: body && JSON.stringify(body) };
    const response = await session.fetch(path, request);
    if (response.status === 401) throw new LoggedOut();
    return json(response);
}

/** @param {Response} response */
export async function json(response) {
    const text = await response.text();
    const body = text && JSON.parse(text);
    if (response.ok) return body;
    const seconds = response.headers.get("retry-after");
    if (response.status === 429) body.detail = `Too many attempts. Try again in ${seconds} seconds.`;
    throw new Rejected(body);
}
