// @ts-check
import { Rejected, json, session } from "./api.js";
import { watchPassword } from "./password.js";
import { element, go, input, notify, onSubmit } from "./view.js";

/** The token between the two steps of a login. */
let step = "";

/** @type {(path: string, body: object) => Promise<any>} */
async function post(path, body) {
    const headers = { "content-type": "application/json" };
    return json(await fetch(path, { method: "POST", headers, body: JSON.stringify(body) }));
}

/** The token in the link of a mail. Browsers do not send this part of a URL to the server. */
const tokenOfLink = () => location.hash.split("=")[1] ?? "";

/** @param {{ username: string, password: string }} credentials */
async function logIn(credentials) {
    try {
        await json(await session.login(credentials));
    } catch (error) {
        if (!(error instanceof Rejected && error.step)) throw error;
        step = error.step;
        go("second-step");
    }
}

onSubmit("log-in-form", async ({ username, password }, form) => {
    await logIn({ username, password });
    form.reset();
});

onSubmit("second-step-form", async ({ code }, form) => {
    try {
        await json(await session.login({ step, code: code.replaceAll(" ", "") }));
    } catch (error) {
        // After five minutes or several wrong codes, the login begins anew.
        if (error instanceof Rejected && error.code !== "invalid_code") go("log-in");
        throw error;
    } finally {
        form.reset();
    }
});

onSubmit("sign-up-form", async ({ username, email, password }, form) => {
    const user = await post("/api/users/", { username, email, password });
    form.reset();
    element("check-mail-address").textContent = email;
    // The other response does not reveal whether there is an account now.
    if (!user.id) return go("check-mail");
    await logIn({ username, password });
    notify(`Welcome! To confirm your address, follow the link in the mail to ${email}.`);
});

onSubmit("verify-form", async () => {
    await post("/api/users/verify", { token: tokenOfLink() });
    go("account");
    notify("Your e-mail address is confirmed.");
});

onSubmit("forgot-form", async ({ email }, form) => {
    await post("/api/password/reset", { email });
    form.reset();
    element("check-mail-address").textContent = email;
    go("check-mail");
});

onSubmit("reset-form", async ({ password }, form) => {
    await post("/api/password/reset/confirm", { token: tokenOfLink(), password });
    form.reset();
    go("log-in");
    notify("Your password is set. You can log in with it.");
});

watchPassword("sign-up-password", () => ({
    username: input("sign-up-username").value,
    email: input("sign-up-email").value,
}));
watchPassword("reset-password");
