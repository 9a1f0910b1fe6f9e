// @ts-check
import { api, session } from "./api.js";
import { element, listItem, localDate, notify, onClick } from "./view.js";

/** The first of these that a `User-Agent` header contains, and its name. Many contain several. */
const BROWSERS = [
    ["Edg", "Edge"],
    ["OPR", "Opera"],
    ["Firefox", "Firefox"],
    ["Chrome", "Chrome"],
    ["Safari", "Safari"],
];
const SYSTEMS = [
    ["Android", "Android"],
    ["iPhone", "iPhone"],
    ["iPad", "iPad"],
    ["Windows", "Windows"],
    ["Mac OS", "macOS"],
    ["CrOS", "ChromeOS"],
    ["Linux", "Linux"],
];

/** @type {(label: string | null) => string} */
function device(label) {
    if (!label) return "Unknown device";
    const name = (/** @type {string[][]} */ names) =>
        names.find(([part]) => label.includes(part))?.[1];
    const [browser, system] = [name(BROWSERS), name(SYSTEMS)];
    return browser && system ? `${browser} on ${system}` : (browser ?? system ?? label);
}

export async function showSessions() {
    /** @type {{ id: string, label: string | null, last_used_at: string, expires_at: string, current: boolean }[]} */
    const sessions = await api("/api/sessions");
    const current = sessions.find(({ current }) => current);
    element("expires-at").textContent = current ? localDate(current.expires_at) : "";
    element("logout-others").hidden = sessions.length < 2;
    element("sessions").replaceChildren(...sessions.map(sessionItem));
}

/** @param {{ id: string, label: string | null, last_used_at: string, current: boolean }} session */
function sessionItem({ id, label, last_used_at, current }) {
    const name = device(label);
    const used = `Last used ${localDate(last_used_at)}`;
    const item = listItem(name, current ? `This session. ${used}` : used);
    if (label) item.title = label;
    if (!current) {
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = "End";
        button.setAttribute("aria-label", `End the session ${name}, ${used}`);
        onClick(button, async () => {
            await api(`/api/sessions/${encodeURIComponent(id)}`, "DELETE");
            await showSessions();
            notify(`The session ${name} has ended.`);
            /** @type {HTMLElement} */ (document.querySelector("[data-view=sessions] h2")).focus();
        });
        item.append(button);
    }
    return item;
}

onClick(element("logout-others"), async () => {
    await api("/api/logout-others", "POST");
    await showSessions();
    notify("All other sessions have ended.");
});
onClick(element("logout-all"), async () => {
    await api("/api/logout-all", "POST");
    await session.logout();
});
session.addEventListener("refresh", () => {
    element("renewed-at").textContent = localDate(new Date());
});
