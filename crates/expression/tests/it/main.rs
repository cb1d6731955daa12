//! The dialect from outside: what programs answer, what is refused, what stops them.

#[cfg(test)]
mod dialect;
#[cfg(test)]
mod refusals;
