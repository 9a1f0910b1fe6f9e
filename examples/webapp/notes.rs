//! The notes of each user, in memory.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use serde::Serialize;
use tower_jwt_auth::{NumericDate, token::UserId};

/// A user keeps the newest notes.
const NOTES_PER_USER: usize = 100;

#[derive(Clone, Serialize)]
pub(crate) struct Note {
    text: String,
    created_at: String,
}

#[derive(Clone, Default)]
pub(crate) struct Notes(Arc<Mutex<HashMap<UserId, VecDeque<Note>>>>);

impl Notes {
    pub(crate) fn add(&self, user_id: &UserId, text: String) -> Note {
        let created_at = NumericDate::from(SystemTime::now()).to_rfc3339();
        let note = Note { text, created_at };
        let mut notes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let notes = notes.entry(user_id.clone()).or_default();
        notes.truncate(NOTES_PER_USER - 1);
        notes.push_front(note.clone());
        note
    }

    /// The newest note first.
    pub(crate) fn of(&self, user_id: &UserId) -> Vec<Note> {
        let notes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        notes.get(user_id).into_iter().flatten().cloned().collect()
    }
}
