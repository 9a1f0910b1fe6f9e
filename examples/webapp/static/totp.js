// @ts-check
import { api } from "./api.js";
import { element, input, notify, onClick, onSubmit, textItem } from "./view.js";

const PARTS = ["totp-enrol", "totp-confirm", "recovery", "totp-disable"];

/** @type {(...shown: string[]) => void} */
function show(...shown) {
    for (const id of PARTS) element(id).hidden = !shown.includes(id);
}

/** @param {boolean} enabled */
export function showTotp(enabled) {
    element("recovery-codes").replaceChildren();
    show(enabled ? "totp-disable" : "totp-enrol");
}

onClick(element("totp-enrol"), async () => {
    const { secret, qr } = await api("/api/totp", "POST");
    const svg = new DOMParser().parseFromString(qr, "image/svg+xml").documentElement;
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", "QR code with the key");
    element("totp-qr").replaceChildren(svg);
    // Groups of four are easier to type.
    element("totp-secret").textContent = secret.match(/.{1,4}/g).join(" ");
    show("totp-confirm");
    input("totp-code").focus();
});

onSubmit("totp-confirm", async ({ code }, form) => {
    const { recovery_codes } = await api("/api/totp/confirm", "POST", { code });
    form.reset();
    element("totp-qr").replaceChildren();
    element("totp-secret").textContent = "";
    element("recovery-codes").replaceChildren(...recovery_codes.map(textItem));
    show("recovery", "totp-disable");
    element("recovery-title").focus();
});

onSubmit("totp-disable", async ({ password }, form) => {
    await api("/api/totp", "DELETE", { password });
    form.reset();
    showTotp(false);
    notify("Two-step login is off.");
    element("totp-title").focus();
});
