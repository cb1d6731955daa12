//! Metadata, keys and instance discovery (`entra-and-graph.md` §2).

use axum::extract::{Path, RawQuery};
use axum::http::HeaderValue;
use axum::http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::{Authority, Exchange, Form, errors};

/// `GET /{tenant}/v2.0/.well-known/openid-configuration` and its v1 form.
pub(crate) async fn configuration(Path(tenant): Path<String>, exchange: Exchange) -> Response {
    let authority = match Authority::parse(&tenant, exchange.world.tenant) {
        Ok(authority) => authority,
        Err(refusal) => {
            let error = if refusal.code == 90_002 {
                "invalid_tenant"
            } else {
                refusal.error
            };
            return errors::Refusal { error, ..refusal }.json(&exchange);
        }
    };
    let base = &exchange.base;
    // The paths keep a generic tenant; a domain becomes the GUID.
    let (path, issuer) = match authority {
        Authority::Tenant => {
            let id = exchange.world.tenant.to_string();
            (id.clone(), id)
        }
        Authority::Any => (tenant.to_ascii_lowercase(), "{tenantid}".to_owned()),
    };
    let host = base.trim_start_matches("https://");
    let body = json!({
        "token_endpoint": format!("{base}/{path}/oauth2/v2.0/token"),
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
        "jwks_uri": format!("{base}/{path}/discovery/v2.0/keys"),
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "issuer": format!("{base}/{issuer}/v2.0"),
        "request_uri_parameter_supported": false,
        "userinfo_endpoint": format!("{base}/oidc/userinfo"),
        "authorization_endpoint": format!("{base}/{path}/oauth2/v2.0/authorize"),
        "device_authorization_endpoint": format!("{base}/{path}/oauth2/v2.0/devicecode"),
        "http_logout_supported": true,
        "frontchannel_logout_supported": true,
        "end_session_endpoint": format!("{base}/{path}/oauth2/v2.0/logout"),
        "claims_supported": ["sub", "iss", "cloud_instance_name", "cloud_instance_host_name", "cloud_graph_host_name", "msgraph_host", "aud", "exp", "iat", "auth_time", "acr", "nonce", "preferred_username", "name", "tid", "ver", "at_hash", "c_hash", "email"],
        "kerberos_endpoint": format!("{base}/{path}/kerberos"),
        "tenant_region_scope": "EU",
        "cloud_instance_name": host,
        "cloud_graph_host_name": host,
        "msgraph_host": host,
        "rbac_url": base,
    });
    metadata(&exchange, &body)
}

/// `GET /{tenant}/discovery/v2.0/keys`.
pub(crate) async fn keys(Path(tenant): Path<String>, exchange: Exchange) -> Response {
    if let Err(refusal) = Authority::parse(&tenant, exchange.world.tenant) {
        return refusal.json(&exchange);
    }
    let issuer = format!("{}/{}/v2.0", exchange.base, exchange.world.tenant);
    metadata(&exchange, &exchange.world.keys.jwks(&issuer))
}

/// `GET /common/discovery/instance`.
pub(crate) async fn instance(RawQuery(query): RawQuery, exchange: Exchange) -> Response {
    let query = Form::parse(query.unwrap_or_default().as_bytes());
    let endpoint = query.get("authorization_endpoint").unwrap_or_default();
    let path = endpoint
        .strip_prefix(exchange.base.as_str())
        .and_then(|rest| rest.strip_prefix('/'));
    let Some(path) = path else {
        return errors::unknown_instance().json(&exchange);
    };
    let tenant = path.split('/').next().unwrap_or_default();
    let host = exchange.base.trim_start_matches("https://");
    let body = json!({
        "tenant_discovery_endpoint": format!("{}/{tenant}/v2.0/.well-known/openid-configuration", exchange.base),
        "api-version": "1.1",
        "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}],
    });
    metadata(&exchange, &body)
}

fn metadata(exchange: &Exchange, body: &Value) -> Response {
    let mut response = body.to_string().into_response();
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/json; charset=utf-8"),
    );
    headers.insert(
        CACHE_CONTROL,
        HeaderValue::from_static("max-age=86400, private"),
    );
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    exchange.add_headers(headers);
    response
}
