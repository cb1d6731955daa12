//! The `UserInfo` endpoint of OpenID Connect.

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::{Exchange, errors, tokens};
use crate::guid::Guid;

/// `GET /oidc/userinfo`.
pub(crate) async fn userinfo(exchange: Exchange) -> Response {
    let Some(body) = answer(&exchange) else {
        let mut response = StatusCode::UNAUTHORIZED.into_response();
        response.headers_mut().insert(
            "www-authenticate",
            HeaderValue::from_static("Bearer error=\"invalid_token\""),
        );
        exchange.add_headers(response.headers_mut());
        return response;
    };
    errors::json_response(&exchange, 200, &body)
}

fn answer(exchange: &Exchange) -> Option<serde_json::Value> {
    let token = exchange
        .headers
        .get(AUTHORIZATION)?
        .to_str()
        .ok()?
        .strip_prefix("Bearer ")?;
    let claims = exchange.world.keys.verify(token)?;
    let names: Vec<&str> = claims["scp"].as_str()?.split(' ').collect();
    if claims["exp"].as_i64()? <= exchange.now.as_second() || !names.contains(&"openid") {
        return None;
    }
    let id: Guid = claims["oid"].as_str()?.parse().ok()?;
    let app_id: Guid = claims["appid"].as_str()?.parse().ok()?;
    let user = exchange.world.directory.read().people.find(id)?;
    exchange.note_user(&user.principal_name);
    exchange.note_client(&app_id.to_string());
    let mut body = json!({
        "sub": tokens::pairwise(id, app_id),
        "name": user.display_name,
        "given_name": user.given_name,
        "family_name": user.surname,
        "picture": format!("{}/v1.0/me/photo/$value", exchange.base),
    });
    if let Some(mail) = user.mail {
        body["email"] = json!(mail);
    }
    Some(body)
}
