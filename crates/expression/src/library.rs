//! The functions of the dialect, parsed once per process: a program is compiled with those that it uses and no others, which makes
//! compiling cheap. Also knows what is closed and why.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use jaq_core::load::parse::{self, Def, Term};
use jaq_core::native::Fun;

use crate::natives::{self, Engine};
use crate::nesting::{self, Known};
use crate::walk::{self, Visit};

/// Name and number of arguments.
pub(crate) type Signature<'s> = (&'s str, usize);

type Places = BTreeMap<Signature<'static>, usize>;

pub(crate) struct Library {
    definitions: Vec<Def<&'static str>>,
    /// What each definition calls.
    uses: Vec<BTreeSet<Signature<'static>>>,
    places: Places,
    natives: BTreeSet<Signature<'static>>,
    /// How deep each definition nests.
    nesting: Vec<Known>,
}

static LIBRARY: LazyLock<Library> = LazyLock::new(Library::read);

/// The library of the dialect.
pub(crate) fn library() -> &'static Library {
    &LIBRARY
}

/// What a program needs of the library.
pub(crate) struct Needed {
    pub(crate) definitions: Vec<Def<&'static str>>,
    pub(crate) natives: Vec<Fun<Engine>>,
}

impl Library {
    fn read() -> Library {
        let source = include_str!("definitions.jq");
        let definitions =
            parse::Parser::new(&jaq_core::load::Lexer::new(source).lex().unwrap_or_default())
                .parse(parse::Parser::defs)
                .unwrap_or_default();
        let natives = natives::all()
            .iter()
            .map(|(name, arguments, _)| (*name, arguments.len()))
            .collect();
        let places: Places = definitions
            .iter()
            .enumerate()
            .map(|(index, def)| ((def.name, def.args.len()), index))
            .collect();
        let uses = definitions.iter().map(calls).collect();
        let mut nesting: Vec<Known> = Vec::new();
        for definition in &definitions {
            let before = &nesting;
            let known =
                nesting::of_definition(definition, &|call| places_before(&places, before, call));
            nesting.push(known);
        }
        Library {
            definitions,
            uses,
            places,
            natives,
            nesting,
        }
    }

    /// How deep a definition nests; natives are not known.
    pub(crate) fn known(&self, function: Signature<'_>) -> Option<Known> {
        places_before(&self.places, &self.nesting, function)
    }

    /// Whether programs may call it.
    pub(crate) fn offers(&self, function: Signature<'_>) -> bool {
        !function.0.starts_with('_')
            && (self.places.contains_key(&function) || self.natives.contains(&function))
    }

    /// All that programs may call, in alphabetical order.
    pub(crate) fn offered(&self) -> BTreeSet<Signature<'static>> {
        let all = self.places.keys().chain(&self.natives).copied();
        all.filter(|(name, _)| !name.starts_with('_') && !INTERNAL.contains(name))
            .collect()
    }

    /// The definitions that these calls need, and those that they need in turn, in the order of the library.
    pub(crate) fn needed(&self, calls: &BTreeSet<Signature<'_>>) -> Needed {
        let (mut places, mut names) = (BTreeSet::new(), BTreeSet::new());
        let mut open: Vec<(&str, usize)> = calls.iter().copied().collect();
        while let Some(call) = open.pop() {
            match self.places.get(&call) {
                Some(place) if places.insert(*place) => {
                    open.extend(self.uses[*place].iter().copied());
                }
                Some(_) => {}
                None => _ = names.insert(call),
            }
            // a definition may wrap the native of the same name
            if self.natives.contains(&call) {
                names.insert(call);
            }
        }
        Needed {
            definitions: places
                .into_iter()
                .map(|place| self.definitions[place].clone())
                .collect(),
            natives: natives::all()
                .into_iter()
                .filter(|(name, args, _)| names.contains(&(*name, args.len())))
                .collect(),
        }
    }
}

fn places_before(places: &Places, nesting: &[Known], function: Signature<'_>) -> Option<Known> {
    places
        .get(&function)
        .and_then(|place| nesting.get(*place))
        .cloned()
}

/// Natives that only make sense inside definitions.
const INTERNAL: &[&str] = &[
    "error_empty",
    "path_value",
    "min_by_or_empty",
    "max_by_or_empty",
];

struct Calls(BTreeSet<Signature<'static>>);

impl Visit<'static> for Calls {
    fn enter(&mut self, term: &Term<&'static str>) {
        match term {
            Term::Call(name, arguments) => _ = self.0.insert((*name, arguments.len())),
            Term::Str(Some(format), _) => _ = self.0.insert((*format, 0)),
            _ => {}
        }
    }
}

fn calls(definition: &Def<&'static str>) -> BTreeSet<Signature<'static>> {
    let mut calls = Calls(BTreeSet::new());
    walk::term(&definition.body, &mut calls);
    calls.0
}

/// What is closed, and what to do instead.
pub(crate) fn forbidden(name: &str) -> Option<&'static str> {
    Some(match name {
        "env" | "$ENV" => {
            "expressions can't read the environment; put the value into the input of the flow or a secret"
        }
        "halt" | "halt_error" => {
            "expressions can't end the process; use `error(…)` or a task that raises"
        }
        "input" | "inputs" | "input_filename" | "input_line_number" => {
            "there is one input only: it is `.`"
        }
        "debug" | "stderr" => {
            "expressions can't write to logs; look at the run's page for the data of each step"
        }
        "now" => "the clock would break replay; use `$workflow.startedAt` or `$task.startedAt`",
        "localtime" | "strflocaltime" => {
            "flows know no local time; use `gmtime` or `strftime`, which are UTC"
        }
        "import" | "include" | "module" | "modulemeta" | "get_search_list" => {
            "there are no modules; write the definition with `def`"
        }
        "$__loc__" | "$__prog_args" | "$__prog_name" => "expressions have no file and no arguments",
        "builtins" | "getenv" | "system" | "exec" | "splits_at" => {
            "not part of the dialect; see the reference of expressions"
        }
        _ => return None,
    })
}
