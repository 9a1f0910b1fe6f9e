//! Sessions in a browser, with Chromium.

mod app;
mod attacks;
mod bearer;
mod driver;
mod example;
mod site;
mod snippets;
mod tabs;
mod tossing;
