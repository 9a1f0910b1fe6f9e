// @ts-check
import { cookieSession } from "./session.js";

/** The pause before the page tries again to reach the server, in milliseconds. */
const RETRY = 2_000;

const session = cookieSession();
/** @type {WebSocket | undefined} */
let socket;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let retry;
/** Logins and logouts stop what the page does for the user before. */
let starts = 0;

/** There is no session, and the page shows the login form. */
class LoggedOut extends Error {}

/** @type {(id: string) => HTMLElement} */
const element = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
/** @type {(id: string) => HTMLInputElement} */
const input = (id) => /** @type {HTMLInputElement} */ (element(id));
/** @type {(date: string) => string} */
const localDate = (date) => new Date(date).toLocaleString();

/** @param {"login" | "app"} view */
function show(view) {
    element("login").hidden = view !== "login";
    element("app").hidden = element("user").hidden = view !== "app";
}

/** @param {string} message */
function report(message) {
    // Screen readers announce every change.
    if (element("message").textContent !== message) {
        element("message").textContent = message;
        element("message").hidden = message === "";
    }
}

/** @param {unknown} error */
function fail(error) {
    if (error instanceof LoggedOut) {
        show("login");
    } else if (error instanceof TypeError || error instanceof DOMException) {
        report("The server cannot be reached.");
    } else {
        report(error instanceof Error ? error.message : String(error));
    }
}

/**
 * Sends a request to the API and returns the JSON of the response.
 *
 * @param {string} path
 * @param {string} [method]
 * @param {object} [body]
 */
async function api(path, method = "GET", body) {
    const headers = body && { "content-type": "application/json" };
    const request = { method, headers, body: body && JSON.stringify(body) };
    const response = await session.fetch(path, request);
    if (response.status === 401) throw new LoggedOut();
    return json(response);
}

/** @param {Response} response */
async function json(response) {
    if (response.status === 204) return null;
    const body = await response.json();
    if (response.ok) return body;
    const problems = Object.values(body.errors ?? {}).flat();
    throw new Error(problems.join(" ") || body.detail);
}

/**
 * Runs `action` when a button is pressed or a form is sent.
 *
 * @param {HTMLElement} target
 * @param {() => Promise<unknown>} action
 */
function on(target, action) {
    target.addEventListener(target instanceof HTMLFormElement ? "submit" : "click", (event) => {
        event.preventDefault();
        report("");
        // Another user may have logged in, in another tab.
        action().catch((error) => (error instanceof LoggedOut ? start() : fail(error)));
    });
}

/**
 * @param {string} text
 * @param {string} detail
 */
function listItem(text, detail) {
    const item = document.createElement("li");
    const column = document.createElement("div");
    const small = document.createElement("small");
    small.textContent = detail;
    column.append(text, small);
    item.append(column);
    return item;
}

async function showNotes() {
    /** @type {{ text: string, created_at: string }[]} */
    const notes = await api("/api/notes");
    const items = notes.map((note) => listItem(note.text, localDate(note.created_at)));
    element("notes").replaceChildren(...items);
    element("no-notes").hidden = items.length > 0;
}

async function showSessions() {
    /** @type {{ id: string, label?: string, last_used_at: string, current: boolean }[]} */
    const sessions = await api("/api/sessions");
    const items = sessions.map(({ id, label = "Unknown device", last_used_at, current }) => {
        const used = `Last used ${localDate(last_used_at)}`;
        const item = listItem(label, current ? `This session. ${used}` : used);
        if (!current) {
            const button = document.createElement("button");
            button.type = "button";
            button.textContent = "End";
            button.setAttribute("aria-label", `End the session ${label}, ${used}`);
            on(button, async () => {
                await api(`/api/sessions/${encodeURIComponent(id)}`, "DELETE");
                await showSessions();
                element("sessions-title").focus();
            });
            item.append(button);
        }
        return item;
    });
    element("sessions").replaceChildren(...items);
}

/** Opens the socket, which the server closes when the session ends. */
function connect() {
    disconnect();
    const opened = new WebSocket(`${location.origin.replace("http", "ws")}/ws`);
    socket = opened;
    opened.onmessage = ({ data }) => {
        element("socket").textContent = `open for ${JSON.parse(data).user.username}`;
    };
    opened.onclose = () => {
        // Finds out whether the session has ended or the connection was lost.
        if (opened === socket) start();
    };
}

function disconnect() {
    clearTimeout(retry);
    const closed = socket;
    socket = undefined;
    closed?.close();
    element("socket").textContent = "closed";
}

/** Shows the notes of the user, or the login form. Tries until the server responds. */
async function start() {
    disconnect();
    const number = (starts += 1);
    try {
        const user = await api("/api/me");
        element("username").textContent = user.username;
        await Promise.all([showNotes(), showSessions()]);
        if (number !== starts) return;
        show("app");
        report("");
        connect();
    } catch (error) {
        if (number !== starts) return;
        fail(error);
        if (!(error instanceof LoggedOut)) retry = setTimeout(start, RETRY);
    }
}

on(element("login"), async () => {
    const username = input("login-username").value;
    const password = input("login-password").value;
    await json(await session.login({ username, password }));
    input("login-password").value = "";
});
on(element("logout"), async () => json(await session.logout()));
on(element("logout-all"), async () => {
    await api("/api/logout-all", "POST");
    await session.logout();
});
on(element("add"), async () => {
    await api("/api/notes", "POST", { text: input("text").value });
    input("text").value = "";
    await showNotes();
});
on(element("export"), async () => {
    // A download cannot refresh tokens. A ticket works once, for this path.
    const { ticket } = await api("/api/ticket", "POST", { path: "/api/export" });
    location.assign(`/api/export?ticket=${encodeURIComponent(ticket)}`);
});

session.addEventListener("begin", async () => {
    const hadFocus = element("login").contains(document.activeElement);
    await start();
    if (hadFocus) element("notes-title").focus();
});
session.addEventListener("end", () => {
    starts += 1;
    disconnect();
    const wasLoggedIn = !element("app").hidden;
    for (const id of ["notes", "sessions", "username"]) {
        element(id).replaceChildren();
    }
    show("login");
    if (wasLoggedIn) {
        report("You are logged out.");
        input("login-username").focus();
    }
});
// A page that the browser has kept may be shown again after its session has ended.
addEventListener("pageshow", ({ persisted }) => persisted && start());

start();
