// @ts-check
import { showAccount } from "./account.js";
import { json, session } from "./api.js";
import "./guest.js";
import { showNotes } from "./notes.js";
import { showSessions } from "./sessions.js";
import { clear, element, fail, notify, onClick, report } from "./view.js";

/** The pause before the page tries again to reach the server, in milliseconds. */
const RETRY = 2_000;

/** The views of users, and what loads them. */
const USER_VIEWS = {
    notes: showNotes,
    sessions: showSessions,
    account: showAccount,
};
/** The views that only make sense without a session. */
const GUEST_VIEWS = ["log-in", "second-step", "sign-up", "check-mail", "forgot"];
/** The elements with data of the user, besides forms. */
const PRIVATE = ["notes", "sessions", "totp-qr", "totp-secret", "recovery-codes"];

/** @typedef {{ id: string, username: string }} User */
/** @type {User | null | undefined} undefined until the server has responded */
let user;
/** @type {WebSocket | undefined} */
let socket;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let retry;
/** Logins and logouts stop what the page does for the user before. */
let starts = 0;

const views = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("[data-view]")]);

/** Shows the view that the URL names, for example `#notes`, or the first one. */
function showView() {
    if (user === undefined) return;
    const [name] = location.hash.slice(1).split("=");
    const isKnown = views.some(({ dataset }) => dataset.view === name);
    const fallback = user ? "notes" : "log-in";
    const isAllowed = isKnown && (user ? !GUEST_VIEWS.includes(name) : !(name in USER_VIEWS));
    const shown = isAllowed ? name : fallback;
    // A guest sees the view of the URL after the login.
    if (user && shown !== name) history.replaceState(null, "", `#${shown}`);
    for (const link of document.querySelectorAll("nav a")) {
        const isCurrent = link.getAttribute("href") === `#${shown}`;
        if (isCurrent) link.setAttribute("aria-current", "page");
        else link.removeAttribute("aria-current");
    }
    for (const view of views) {
        const wasHidden = view.hidden;
        view.hidden = view.dataset.view !== shown;
        if (view.hidden || !wasHidden) continue;
        const title = /** @type {HTMLElement} */ (view.querySelector("h2"));
        document.title = `${title.textContent} – Notes`;
        title.focus();
        /** @type {Record<string, () => Promise<unknown>>} */ (USER_VIEWS)[shown]?.().catch(fail);
    }
}

/** @param {User | null} entered */
function enter(entered) {
    if (user && user.id !== entered?.id) {
        // Nothing of this user remains on the page.
        for (const view of views) view.hidden = true;
        for (const id of PRIVATE) element(id).replaceChildren();
        for (const form of document.forms) clear(form);
    }
    user = entered;
    element("username").textContent = user?.username ?? "";
    for (const part of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-for]"))) {
        part.hidden = part.dataset.for !== (user ? "user" : "guest");
    }
    showView();
}

/** Finds out who the user is. Tries until the server responds. */
async function start() {
    disconnect();
    const number = (starts += 1);
    try {
        const response = await session.fetch("/api/me");
        const entered = response.status === 401 ? null : await json(response);
        if (number !== starts) return;
        report("");
        enter(entered);
        if (entered) connect();
    } catch (error) {
        if (number !== starts) return;
        fail(error);
        retry = setTimeout(start, RETRY);
    }
}

/** Opens the socket, which the server closes when the session ends. */
function connect() {
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

onClick(element("logout"), async () => json(await session.logout()));
session.addEventListener("begin", start);
session.addEventListener("end", () => {
    starts += 1;
    disconnect();
    const wasLoggedIn = !!user;
    enter(null);
    if (wasLoggedIn) notify("You are logged out.");
});
addEventListener("logged-out", start);
addEventListener("view", showView);
addEventListener("hashchange", () => {
    report("");
    notify("");
    showView();
});
// A page that the browser has kept may be shown again after its session has ended.
addEventListener("pageshow", ({ persisted }) => persisted && start());

start();
fetch("/outbox", { method: "HEAD" }).then(({ ok }) => (element("outbox").hidden = !ok));
