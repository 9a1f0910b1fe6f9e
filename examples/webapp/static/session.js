// @ts-check
/**
 * Sessions for web pages: sends requests, refreshes expired tokens, and keeps all tabs together.
 * Copy this file into your application. It needs no other file and no build step.
 * @typedef {object} Transport
 * @property {boolean} isShared whether all tabs have the same tokens
 * @property {(request: Request) => Promise<Response>} send sends a request with the access token
 * @property {(request: Request) => boolean} canRefresh whether a refresh may help the request
 * @property {(credentials: any) => Promise<Response>} login
 * @property {() => Promise<Response>} refresh
 * @property {() => Promise<Response>} [probe] whether the access token is valid, if it is shared
 * @property {() => Promise<Response>} logout
 * @property {() => void} [forget] called when the session has ended
 */

/**
 * A session with cookies, for pages of the same origin. All tabs share it.
 * @param {string} base the path of the session routes
 */
export function cookieSession(base = "/api/session") {
    const { href, origin } = new URL(base, location.href);
    return new Session(href, {
        isShared: true,
        send: (request) => fetch(request),
        canRefresh: (request) => new URL(request.url).origin === origin,
        login: (body) => send("POST", `${href}/${body.step ? "second-factor" : ""}`, body),
        refresh: () => send("POST", `${href}/refresh`),
        probe: () => fetch(`${href}/`),
        logout: () => send("DELETE", `${href}/`),
    });
}

/**
 * A session with Bearer tokens, for an API of another origin. The tokens are only in the memory of
 * this tab, so the user logs in again after a reload and in each new tab.
 * @param {string} base the URL of the token routes, for example `https://api.example/api/token`
 */
export function bearerSession(base) {
    const { href, origin } = new URL(base, location.href);
    const none = { access: "", refresh: "" };
    let tokens = none;
    /** @param {Promise<Response>} sent its tokens are dropped if a logout comes first */
    const keep = async (sent) => {
        const [before, response] = [tokens, await sent];
        const body = response.ok && (await response.clone().json());
        if (body && tokens === before) tokens = { ...tokens, ...body };
        return response;
    };
    return new Session(href, {
        isShared: false,
        send: (request) => {
            // No other origin receives the token.
            if (tokens.access && new URL(request.url).origin === origin) {
                request.headers.set("authorization", `Bearer ${tokens.access}`);
            }
            return fetch(request, { credentials: "omit" });
        },
        canRefresh: (request) => !!tokens.refresh && new URL(request.url).origin === origin,
        login: (body) => keep(send("POST", `${href}/${body.step ? "second-factor" : ""}`, body)),
        refresh: () => keep(send("POST", `${href}/refresh/`, { refresh: tokens.refresh })),
        logout: async ({ refresh } = tokens) =>
            refresh ? send("POST", `${href}/blacklist/`, { refresh }) : new Response(),
        forget: () => (tokens = none),
    });
}

/** @type {(method: string, url: string, body?: object) => Promise<Response>} */
function send(method, url, body) {
    return fetch(url, {
        method,
        headers: body && { "content-type": "application/json" },
        body: body && JSON.stringify(body),
        // The browser stores the cookies of the response even if the page is reloaded meanwhile.
        keepalive: !body,
        signal: AbortSignal.timeout(10_000), // other tabs wait for the response
    });
}

/** Dispatches `begin` after a login, `refresh`, and `end` after the end of a session, in all tabs. */
export class Session extends EventTarget {
    #transport;
    #channel;
    /** How often the tokens have changed, as far as this tab knows. */ #changes = 0;
    /** The number of the change by the last login. */ #lastLogin = 0;
    /** @type {Promise<Response> | undefined} */ #refreshing;
    /** @type {Promise<unknown>} */ #last = Promise.resolve();

    /**
     * @param {string} name the same in all tabs
     * @param {Transport} transport
     */
    constructor(name, transport) {
        super();
        this.#transport = transport;
        this.#channel = new BroadcastChannel(name);
        this.#channel.onmessage = ({ data }) => this.#receive(data);
        this.addEventListener("begin", () => (this.#lastLogin = this.#changes));
    }

    /**
     * Like the global `fetch`. After a `401` it refreshes the tokens and repeats the request once,
     * unless another user may have logged in meanwhile. If the refresh fails for another reason than
     * a `401`, it fails with the same error or response, and the user is still logged in.
     * @param {RequestInfo | URL} input
     * @param {RequestInit} [init]
     */
    async fetch(input, init) {
        const request = new Request(input, init);
        const changes = this.#changes;
        const response = await this.#transport.send(request.clone());
        if (response.status !== 401 || !this.#transport.canRefresh(request)) return response;
        // The requests of one tab share a refresh.
        this.#refreshing ??= this.#refresh(changes).finally(() => (this.#refreshing = undefined));
        const refreshed = await this.#refreshing;
        if (refreshed.status === 401 || this.#lastLogin > changes) return response;
        if (!refreshed.ok) return refreshed.clone();
        response.body?.cancel();
        return this.#transport.send(request);
    }

    /** @param {object} credentials for example `{ username, password }`, or `{ step, code }` */
    login(credentials) {
        return this.#exclusive(async () => {
            const response = await this.#transport.login(credentials);
            if (response.ok) {
                this.#changes += 1;
                this.#channel.postMessage("begin");
                this.dispatchEvent(new Event("begin"));
                // A tab that waits for the lock must receive the message first.
                if (this.#transport.isShared) await new Promise((done) => setTimeout(done, 100));
            }
            return response;
        });
    }

    /** The session has ended only if the response is ok. */
    logout() {
        return this.#exclusive(async () => {
            const response = await this.#transport.logout();
            if (response.ok) this.#channel.postMessage("end");
            if (response.ok) this.#end();
            return response;
        });
    }

    /** @param {number} changes how often the tokens had changed when the request was sent */
    #refresh(changes) {
        return this.#exclusive(async (hasWaited) => {
            // Another tab has refreshed meanwhile. Its message may still be on the way.
            if (changes !== this.#changes) return new Response();
            if (hasWaited && (await this.#transport.probe?.())?.ok) return new Response();
            const response = await this.#transport.refresh();
            if (response.ok) {
                this.#changes += 1;
                this.#channel.postMessage("refresh");
                this.dispatchEvent(new Event("refresh"));
            } else if (response.status === 401) {
                if (this.#transport.isShared) this.#channel.postMessage("end");
                this.#end();
            }
            return response;
        });
    }

    /**
     * Runs changes of the tokens one after the other, in all tabs that share them. Browsers have no
     * locks over plain http: there, the server's grace period gives two tabs the same tokens.
     * @param {(hasWaited: boolean) => Promise<Response>} change
     */
    async #exclusive(change) {
        if (this.#transport.isShared && navigator.locks) {
            const name = this.#channel.name;
            const run = (/** @type {Lock | null} */ lock) => lock && change(false);
            const response = await navigator.locks.request(name, { ifAvailable: true }, run);
            return response ?? navigator.locks.request(name, () => change(true));
        }
        const result = this.#last.then(() => change(false));
        this.#last = result.catch(() => {});
        return result;
    }

    #end() {
        this.#transport.forget?.();
        this.dispatchEvent(new Event("end"));
    }

    /** @param {string} message from another tab */
    #receive(message) {
        if (message === "end") {
            // The Bearer tokens of this tab belong to a session of their own.
            if (!this.#transport.isShared) this.#transport.logout().catch(() => {});
            this.#end();
        } else if (this.#transport.isShared) {
            this.#changes += 1;
            this.dispatchEvent(new Event(message)); // `begin` or `refresh`
        }
    }
}
