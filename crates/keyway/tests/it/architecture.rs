//! Holds the table of ARCHITECTURE.md and the bans of deny.toml against what cargo really builds.
//!
//! It does not judge licences and sources: that is cargo-deny's, run by `make check`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

type Names = BTreeSet<String>;

/// One row of the table.
#[derive(Debug)]
struct Room {
    may_use: Names,
    only_it: Names,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(file: &str) -> String {
    std::fs::read_to_string(root().join(file)).expect("the file is part of the repository")
}

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(root())
        .output()
        .expect("cargo and rustc run the tests, so they are there");
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("cargo speaks UTF-8")
}

/// The words in backticks of a table cell.
fn quoted(cell: &str) -> Names {
    cell.split('`').skip(1).step_by(2).map(Into::into).collect()
}

/// The rooms as ARCHITECTURE.md's table lists them.
fn table() -> BTreeMap<String, Room> {
    read("ARCHITECTURE.md")
        .lines()
        .skip_while(|line| !line.starts_with("| crates/"))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').collect();
            assert_eq!(cells.len(), 5, "a row has five cells: {line}");
            let name = quoted(cells[0])
                .pop_first()
                .expect("the first cell names the room");
            (
                name,
                Room {
                    may_use: quoted(cells[2]),
                    only_it: quoted(cells[4]),
                },
            )
        })
        .collect()
}

/// What cargo knows about the packages of this platform.
fn metadata() -> Metadata {
    let version = output("rustc", &["-vV"]);
    let host = version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .expect("rustc names its host");
    MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .other_options(["--locked", "--filter-platform", host].map(String::from))
        .exec()
        .expect("cargo metadata answers")
}

/// Who depends on each package directly, by the kinds of dependency asked for.
fn dependents(metadata: &Metadata, kinds: &[DependencyKind]) -> BTreeMap<String, Names> {
    let mut dependents: BTreeMap<String, Names> = BTreeMap::new();
    let resolve = metadata
        .resolve
        .as_ref()
        .expect("metadata was asked for with dependencies");
    for node in &resolve.nodes {
        for dependency in &node.deps {
            if dependency
                .dep_kinds
                .iter()
                .any(|kind| kinds.contains(&kind.kind))
            {
                let name = metadata[&dependency.pkg].name.to_string();
                dependents
                    .entry(name)
                    .or_default()
                    .insert(metadata[&node.id].name.to_string());
            }
        }
    }
    dependents
}

/// The rooms that each room uses.
fn arrows(metadata: &Metadata, kinds: &[DependencyKind]) -> BTreeMap<String, Names> {
    let rooms: Names = metadata
        .workspace_packages()
        .iter()
        .map(|package| package.name.to_string())
        .collect();
    let mut arrows: BTreeMap<String, Names> = rooms
        .iter()
        .map(|room| (room.clone(), Names::new()))
        .collect();
    for (used, users) in dependents(metadata, kinds) {
        for user in users.into_iter().filter(|_| rooms.contains(&used)) {
            if let Some(uses) = arrows.get_mut(&user) {
                uses.insert(used.clone());
            }
        }
    }
    arrows
}

const BUILT: [DependencyKind; 2] = [DependencyKind::Normal, DependencyKind::Build];

#[test]
fn rooms_use_what_the_table_says() {
    let written: BTreeMap<String, Names> = table()
        .into_iter()
        .map(|(name, room)| (name, room.may_use))
        .collect();
    assert_eq!(
        written,
        arrows(&metadata(), &BUILT),
        "left: ARCHITECTURE.md, right: cargo metadata"
    );
}

#[test]
fn tests_add_no_arrow_but_the_one_to_the_sandbox() {
    let table = table();
    for (room, uses) in arrows(&metadata(), &[DependencyKind::Development]) {
        let allowed = &table[&room].may_use;
        let added: Vec<&String> = uses
            .iter()
            .filter(|used| !allowed.contains(*used) && *used != "sandbox" && **used != room)
            .collect();
        assert!(added.is_empty(), "the tests of {room} use {added:?}");
    }
}

#[test]
fn arrows_point_downwards() {
    let table = table();
    let mut below = Names::new();
    let mut left: Names = table.keys().cloned().collect();
    while !left.is_empty() {
        let settled: Names = left
            .iter()
            .filter(|room| table[*room].may_use.is_subset(&below))
            .cloned()
            .collect();
        assert!(
            !settled.is_empty(),
            "these rooms use each other in a circle: {left:?}"
        );
        left.retain(|room| !settled.contains(room));
        below.extend(settled);
    }
}

#[test]
fn each_outside_world_has_its_room() {
    let dependents = dependents(&metadata(), &BUILT);
    let table = table();
    let kept: Names = table
        .values()
        .flat_map(|room| room.only_it.clone())
        .collect();
    for name in kept {
        let listed: Names = table
            .iter()
            .filter(|(_, room)| room.only_it.contains(&name))
            .map(|(room, _)| room.clone())
            .collect();
        let users: Names = dependents
            .get(&name)
            .into_iter()
            .flatten()
            .filter(|user| table.contains_key(*user))
            .cloned()
            .collect();
        let others: Vec<&String> = users.difference(&listed).collect();
        assert!(
            others.is_empty(),
            "{others:?} may not name {name}: the table gives it to {listed:?}"
        );
    }
}

/// The bans of deny.toml: the crate, and who may depend on it all the same.
fn bans() -> BTreeMap<String, Names> {
    let deny: toml::Table = read("deny.toml").parse().expect("deny.toml is TOML");
    deny["bans"]["deny"]
        .as_array()
        .expect("bans.deny is a list")
        .iter()
        .map(|ban| {
            let wrappers = ban.get("wrappers").and_then(toml::Value::as_array);
            let names = wrappers
                .into_iter()
                .flatten()
                .filter_map(toml::Value::as_str);
            let name = ban["crate"].as_str().expect("a ban names its crate");
            (name.to_owned(), names.map(Into::into).collect())
        })
        .collect()
}

#[test]
fn bans_hold_without_cargo_deny() {
    let dependents = dependents(&metadata(), &BUILT);
    let cargo = env!("CARGO");
    let listing = [
        "tree",
        "--workspace",
        "--locked",
        "--edges",
        "normal,build",
        "--prefix",
        "none",
    ];
    let tree = output(cargo, &listing);
    let built: BTreeSet<&str> = tree
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    for (name, wrappers) in bans() {
        if wrappers.is_empty() {
            assert!(
                !built.contains(name.as_str()),
                "{name} is banned and in the tree"
            );
        } else {
            let users = dependents.get(&name).cloned().unwrap_or_default();
            let others: Vec<&String> = users.difference(&wrappers).collect();
            assert!(others.is_empty(), "{others:?} may not depend on {name}");
        }
    }
}

#[test]
fn bans_and_table_say_the_same() {
    let table = table();
    let bans = bans();
    for (room, each) in &table {
        for name in &each.only_it {
            let wrappers = bans.get(name);
            assert!(
                wrappers.is_some_and(|wrappers| wrappers.contains(room)),
                "deny.toml does not let {room} use {name}, ARCHITECTURE.md does"
            );
        }
    }
    for (name, wrappers) in bans {
        for room in wrappers
            .iter()
            .filter(|wrapper| table.contains_key(*wrapper))
        {
            assert!(
                table[room].only_it.contains(&name),
                "deny.toml lets {room} use {name}, ARCHITECTURE.md does not"
            );
        }
    }
}
