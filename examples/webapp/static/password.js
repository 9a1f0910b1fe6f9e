// @ts-check
import { json } from "./api.js";
import { element, input, showProblems } from "./view.js";

/** The pause after the last key before the server is asked, in milliseconds. */
const PAUSE = 300;

/**
 * Shows what is wrong with a new password while the user types it.
 *
 * @param {string} id of the field
 * @param {() => { username?: string, email?: string }} [user] what the password must not resemble
 */
export function watchPassword(id, user = () => ({})) {
    const field = input(id);
    const hint = element(`${id}-length`);
    const advice = hint.textContent;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let pause;
    field.addEventListener("input", () => {
        clearTimeout(pause);
        const password = field.value;
        // Like the server, this counts characters and not UTF-16 units.
        const length = [...password].length;
        hint.textContent = length === 1 ? "1 character" : `${length} characters`;
        if (!password) return showProblems(field, []);
        pause = setTimeout(async () => {
            try {
                const problems = await check({ ...user(), password });
                if (field.value === password) showProblems(field, problems);
            } catch {
                // The server checks the password again when the form is sent.
            }
        }, PAUSE);
    });
    field.form?.addEventListener("reset", () => (hint.textContent = advice));
}

/** @param {{ username?: string, email?: string, password: string }} body */
async function check(body) {
    const response = await fetch("/api/password-rules", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
    });
    return /** @type {string[]} */ ((await json(response)).problems);
}
