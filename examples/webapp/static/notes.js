// @ts-check
import { api } from "./api.js";
import { element, listItem, localDate, onClick, onSubmit } from "./view.js";

export async function showNotes() {
    /** @type {{ text: string, created_at: string }[]} */
    const notes = await api("/api/notes");
    const items = notes.map((note) => listItem(note.text, localDate(note.created_at)));
    element("notes").replaceChildren(...items);
    element("no-notes").hidden = items.length > 0;
}

onSubmit("add-note", async ({ text }, form) => {
    await api("/api/notes", "POST", { text });
    form.reset();
    await showNotes();
});
onClick(element("export"), async () => {
    // A download cannot refresh tokens. A ticket works once, for this path.
    const { ticket } = await api("/api/ticket", "POST", { path: "/api/export" });
    location.assign(`/api/export?ticket=${encodeURIComponent(ticket)}`);
});
