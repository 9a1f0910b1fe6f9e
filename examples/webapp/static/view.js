// @ts-check
import { LoggedOut, Rejected } from "./api.js";

/** @type {(id: string) => HTMLElement} */
export const element = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
/** @type {(id: string) => HTMLInputElement} */
export const input = (id) => /** @type {HTMLInputElement} */ (element(id));
/** @type {(date: string | Date) => string} */
export const localDate = (date) => new Date(date).toLocaleString();

/** @param {string} view */
export function go(view) {
    history.pushState(null, "", `#${view}`);
    dispatchEvent(new Event("view"));
}

/** @param {string} message an error, or nothing */
export function report(message) {
    show(element("message"), message);
}

/** @param {string} message what was done, or nothing */
export function notify(message) {
    show(element("notice"), message);
}

/** @type {(target: HTMLElement, message: string) => void} */
function show(target, message) {
    // Screen readers announce every change.
    if (target.textContent !== message) target.textContent = message;
    target.hidden = message === "";
}

/** @param {unknown} error */
export function fail(error) {
    if (error instanceof LoggedOut) {
        // Another user may have logged in, in another tab.
        dispatchEvent(new Event("logged-out"));
    } else if (error instanceof TypeError || error instanceof DOMException) {
        report("The server cannot be reached.");
    } else {
        report(error instanceof Error ? error.message : String(error));
    }
}

/**
 * Runs `action` when a button is pressed.
 *
 * @param {HTMLElement} button
 * @param {() => Promise<unknown>} action
 */
export function onClick(button, action) {
    button.addEventListener("click", () => {
        report("");
        notify("");
        action().catch(fail);
    });
}

/**
 * Runs `action` with the values of a form when it is sent, and shows problems at its fields.
 *
 * @param {string} id
 * @param {(values: Record<string, string>, form: HTMLFormElement) => Promise<unknown>} action
 */
export function onSubmit(id, action) {
    const form = /** @type {HTMLFormElement} */ (element(id));
    form.addEventListener("submit", async (event) => {
        event.preventDefault();
        report("");
        notify("");
        for (const field of fields(form)) showProblems(field, []);
        const button = /** @type {HTMLButtonElement} */ (form.querySelector("button"));
        button.disabled = true;
        const entries = [...new FormData(form)].map(([name, value]) => [name, String(value)]);
        try {
            await action(Object.fromEntries(entries), form);
        } catch (error) {
            const invalid = error instanceof Rejected && showErrors(form, error.errors);
            if (!invalid) fail(error);
        } finally {
            button.disabled = false;
        }
    });
}

/**
 * Shows errors at the fields with their names. Returns whether there was a field for each.
 *
 * @param {HTMLFormElement} form
 * @param {Record<string, string[]>} errors
 */
function showErrors(form, errors) {
    const invalid = fields(form).filter(({ name }) => name in errors);
    for (const field of invalid) showProblems(field, errors[field.name]);
    invalid[0]?.focus();
    return invalid.length > 0 && invalid.length === Object.keys(errors).length;
}

/** @type {(form: HTMLFormElement) => HTMLInputElement[]} */
const fields = (form) => [...form.querySelectorAll("input")].filter(({ id }) => id);

/** @param {HTMLFormElement} form */
export function clear(form) {
    form.reset();
    for (const field of fields(form)) showProblems(field, []);
}

/** @type {(field: HTMLInputElement, problems: string[]) => void} */
export function showProblems(field, problems) {
    field.setAttribute("aria-invalid", String(problems.length > 0));
    element(`${field.id}-problems`).replaceChildren(...problems.map(textItem));
}

/** @param {string} text */
export function textItem(text) {
    const item = document.createElement("li");
    item.textContent = text;
    return item;
}

/** @type {(text: string, detail: string) => HTMLLIElement} */
export function listItem(text, detail) {
    const item = document.createElement("li");
    const column = document.createElement("div");
    const small = document.createElement("small");
    small.textContent = detail;
    column.append(text, small);
    item.append(column);
    return item;
}
