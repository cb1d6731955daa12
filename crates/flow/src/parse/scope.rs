//! Which variables are bound where (DSL reference, "Runtime expression arguments").

use std::sync::Arc;

/// A place in the life of a task or flow; each knows other variables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// The flow's `input.from`.
    FlowInput,
    /// `if`.
    Condition,
    /// A task's `input.from`.
    Input,
    /// What a task does.
    Body,
    /// What a call sends and who it says is calling: secrets belong here.
    Call,
    /// `output.as`.
    Output,
    /// `export.as`.
    Export,
    /// The flow's `output.as`.
    FlowOutput,
    /// An event and nothing else.
    Event,
}

impl Place {
    fn variables(self) -> &'static [&'static str] {
        match self {
            Place::FlowInput => &["secrets", "workflow", "runtime"],
            Place::Condition | Place::Input => {
                &["context", "secrets", "task", "workflow", "runtime"]
            }
            Place::Body | Place::Call | Place::Output => &[
                "context",
                "input",
                "secrets",
                "authorization",
                "task",
                "workflow",
                "runtime",
            ],
            Place::Export => &[
                "context",
                "input",
                "output",
                "secrets",
                "authorization",
                "task",
                "workflow",
                "runtime",
            ],
            Place::FlowOutput => &["context", "secrets", "workflow", "runtime"],
            Place::Event => &[],
        }
    }

    /// Whether a secret that is read here goes where it is meant to go.
    pub(super) fn is_for_secrets(self) -> bool {
        matches!(self, Place::FlowInput | Place::Input | Place::Call)
    }
}

/// Names that loops, catches and iterators can't take.
pub(super) const RESERVED: &[&str] = &[
    "context",
    "input",
    "output",
    "secrets",
    "authorization",
    "task",
    "workflow",
    "runtime",
    "ENV",
    "__loc__",
    "__prog_args",
];

/// A place, and the variables of the loops, catches and iterators around it.
#[derive(Debug, Clone)]
pub(super) struct Scope {
    pub(super) place: Place,
    around: Vec<Arc<str>>,
}

impl Scope {
    /// With nothing around.
    pub(super) fn new(place: Place) -> Scope {
        Scope {
            place,
            around: Vec::new(),
        }
    }

    /// The same surroundings at another place.
    pub(super) fn at(&self, place: Place) -> Scope {
        let around = self.around.clone();
        Scope { place, around }
    }

    /// The same place with nothing around: what named components know.
    pub(super) fn without_surroundings(&self) -> Scope {
        Scope::new(self.place)
    }

    /// The same place with more around it.
    pub(super) fn with(&self, names: impl IntoIterator<Item = Arc<str>>) -> Scope {
        let mut scope = self.clone();
        for name in names {
            if !scope.around.contains(&name) {
                scope.around.push(name);
            }
        }
        scope
    }

    /// All variables, without `$`.
    pub(super) fn variables(&self) -> Vec<&str> {
        let around = self.around.iter().map(AsRef::as_ref);
        self.place
            .variables()
            .iter()
            .copied()
            .chain(around)
            .collect()
    }
}
