// @ts-check
import { api, session } from "./api.js";
import { watchPassword } from "./password.js";
import { showTotp } from "./totp.js";
import { element, input, notify, onClick, onSubmit } from "./view.js";

/** @param {{ username: string, email: string }} user */
function showProfile({ username, email }) {
    for (const field of document.querySelectorAll("[data-view=account] [name=username]")) {
        /** @type {HTMLInputElement} */ (field).value = username;
    }
    input("profile-email").value = email;
}

export async function showAccount() {
    const [user, security] = await Promise.all([api("/api/me"), api("/api/security")]);
    showProfile(user);
    element("profile-email-status").textContent = security.email_verified
        ? "This address is confirmed."
        : "This address is not confirmed yet: follow the link in the mail.";
    element("resend").hidden = security.email_verified;
    showTotp(security.second_factor);
}

onSubmit("profile-form", async ({ username, email }) => {
    const user = await api("/api/me", "PATCH", { username, email });
    showProfile(user);
    element("username").textContent = user.username;
    notify(
        user.email === email
            ? "Your profile is saved."
            : `We have sent a mail to ${email}. The address counts once you follow the link in it.`,
    );
});

onClick(element("resend"), async () => {
    const email = input("profile-email").value;
    await api("/api/users/verify/resend", "POST", { email });
    notify(`We have sent a mail to ${email}.`);
});

onSubmit("password-form", async ({ current, new: password }, form) => {
    await api("/api/password", "POST", { current, new: password });
    form.reset();
    notify("Your password is changed. All other sessions have ended.");
});

onSubmit("delete-form", async ({ password }) => {
    await api("/api/me", "DELETE", { password });
    await session.logout();
    notify("Your account is deleted.");
});

watchPassword("password-new", () => ({
    username: input("profile-username").value,
    email: input("profile-email").value,
}));
