//! jq within limits: compile, classify, evaluate.
//!
//! The only room that names jaq. Pure: values in, values out; it knows no I/O and nothing of flows.
