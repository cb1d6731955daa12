//! The functions of the dialect that are written in Rust. Those of jaq come by a list of what is allowed, never all of them: what reads the
//! environment, the clock or the terminal, or ends the process, is not on it.

mod arrays;
mod formats;
mod matches;
mod paths;
mod strings;

pub(crate) use matches::forget;

use jaq_core::native::{Fun, bome, run, v};
use jaq_core::{Ctx, DataT, Lut, RunPtr, ValR, ValXs};

use crate::meter;
use crate::value::Val;

/// A jq error that carries a value.
pub(crate) type Fault = jaq_core::Error<Val>;

/// The kind of data jaq computes with here.
pub(crate) struct Engine;

/// What a running program can reach: its own terms. Each look at them is a step.
#[derive(Clone, Copy)]
pub(crate) struct Running<'a>(pub(crate) &'a Lut<Engine>);

impl DataT for Engine {
    type V<'a> = Val;
    type Data<'a> = Running<'a>;
}

impl<'a> jaq_core::data::HasLut<'a, Engine> for Running<'a> {
    fn lut(&self) -> &'a Lut<Engine> {
        meter::tick();
        self.0
    }
}

type Call<'a> = (Ctx<'a, Engine>, Val);
type Native = jaq_core::native::Filter<RunPtr<Engine>>;

/// From jaq-core: paths, and taking some of the outputs of a filter.
const CORE: &[&str] = &[
    "error_empty",
    "path",
    "path_value",
    "first",
    "last",
    "limit",
    "skip",
];

/// From jaq-std: sorting by a filter, numbers, dates.
const STANDARD: &[&str] = &[
    "floor",
    "round",
    "ceil",
    "sort_by",
    "group_by",
    "min_by_or_empty",
    "max_by_or_empty",
    "remainder",
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atanh",
    "cbrt",
    "cos",
    "cosh",
    "exp",
    "exp10",
    "exp2",
    "expm1",
    "fabs",
    "frexp",
    "ilogb",
    "lgamma",
    "log",
    "log10",
    "log1p",
    "log2",
    "modf",
    "nearbyint",
    "rint",
    "sin",
    "sinh",
    "sqrt",
    "tan",
    "tanh",
    "tgamma",
    "trunc",
    "atan2",
    "copysign",
    "fdim",
    "fmax",
    "fmin",
    "fmod",
    "hypot",
    "ldexp",
    "nextafter",
    "pow",
    "scalbln",
    "fma",
    "fromdateiso8601",
    "todateiso8601",
    "strftime",
    "strptime",
    "gmtime",
    "mktime",
];

/// All natives, ours and those allowed. Names that begin with `_` are for the definitions only.
pub(crate) fn all() -> Vec<Fun<Engine>> {
    let core = jaq_core::funs::<Engine>()
        .filter(|(name, ..)| CORE.contains(name))
        .map(|(name, args, fun)| match name {
            "limit" => ("_limit", args, fun),
            "skip" => ("_skip", args, fun),
            _ => (name, args, fun),
        });
    let standard = jaq_std::funs::<Engine>()
        .filter(|(name, ..)| STANDARD.contains(name))
        .map(|(name, args, fun)| match name {
            "strptime" => ("_strptime", args, fun),
            "remainder" => ("_remainder", args, fun),
            _ => (name, args, fun),
        });
    let own = [
        arrays::natives(),
        formats::natives(),
        matches::natives(),
        paths::natives(),
        strings::natives(),
    ];
    core.chain(standard)
        .chain(own.into_iter().flatten().map(run::<Engine>))
        .collect()
}

/// One answer made of the input.
fn answer<'a>(result: ValR<Val>) -> ValXs<'a, Val> {
    bome(result)
}

/// The input and the arguments, first to last.
fn take<const N: usize>(call: Call<'_>) -> (Val, [Val; N]) {
    let (mut context, input) = call;
    let mut arguments = std::array::from_fn(|_| context.pop_var());
    arguments.reverse();
    (input, arguments)
}

fn text<'a>(value: &'a Val, function: &str) -> Result<&'a str, Fault> {
    value.as_str().ok_or_else(|| {
        Fault::str(format_args!(
            "{} cannot be used in {function}: a string is needed",
            value.named()
        ))
    })
}

fn items<'a>(value: &'a Val, function: &str) -> Result<&'a [Val], Fault> {
    match value {
        Val::Arr(array) => Ok(&array.items),
        other => Err(Fault::str(format_args!(
            "{} cannot be used in {function}: an array is needed",
            other.named()
        ))),
    }
}

fn native(name: &'static str, arguments: usize, call: RunPtr<Engine>) -> Native {
    (name, v(arguments), call)
}
