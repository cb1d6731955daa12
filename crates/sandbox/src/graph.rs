//! graph
use crate::world::Shared;
use axum::Router;
pub(crate) fn router() -> Router<Shared> {
    Router::new()
}
