//! Sessions in a browser, with Chromium.

mod account;
mod app;
mod attacks;
mod bearer;
mod docs;
mod driver;
mod example;
mod screenshots;
mod site;
mod snippets;
mod tabs;
mod tossing;
mod webapp;
