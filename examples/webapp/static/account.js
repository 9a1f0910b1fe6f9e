// @ts-check
import { api, session } from "./api.js";
import { watchPassword } from "./password.js";
import { element, input, notify, onClick, onSubmit } from "./view.js";

/** @typedef {{ username: string, email: string, is_verified?: boolean }} User */

/** @param {User} user */
function showProfile({ username, email, is_verified }) {
    for (const field of document.querySelectorAll("#account [name=username]")) {
        /** @type {HTMLInputElement} */ (field).value = username;
    }
    input("profile-email").value = email;
    element("profile-email-status").textContent = is_verified
        ? "This address is confirmed."
        : "This address is not confirmed yet: follow the link in the mail.";
    element("resend").hidden = is_verified === true;
}

export async function showAccount() {
    showProfile(await api("/api/me"));
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
