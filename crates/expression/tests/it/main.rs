//! The dialect from outside: what programs answer, what is refused, what stops them.

#[cfg(test)]
mod depth;
#[cfg(test)]
mod dialect;
#[cfg(test)]
mod differences;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod worker;
