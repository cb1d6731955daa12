//! Watches what is embedded as the console: a `console/embed/dist` that comes, changes or goes compiles this room anew.
//!
//! It builds nothing itself: `make` builds the console, and without Node the placeholder beside it is embedded.

fn main() {
    println!("cargo::rerun-if-changed=../../console/embed");
}
