//! The sandbox on the wire: a client that trusts its authority, a browser that follows its forms.

#[cfg(test)]
mod authorize;
#[cfg(test)]
mod browser;
#[cfg(test)]
mod certificates;
#[cfg(test)]
mod client;
#[cfg(test)]
mod consent;
#[cfg(test)]
mod controls;
#[cfg(test)]
mod device;
#[cfg(test)]
mod discovery;
#[cfg(test)]
mod graph_batch;
#[cfg(test)]
mod graph_users;
#[cfg(test)]
mod graph_writing;
#[cfg(test)]
mod portal;
#[cfg(test)]
mod portal_access;
#[cfg(test)]
mod portal_controls;
#[cfg(test)]
mod rotation;
#[cfg(test)]
mod running;
#[cfg(test)]
mod storm;
#[cfg(test)]
mod token;
