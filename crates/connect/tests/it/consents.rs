//! An administrator's consent for the whole tenant: the browser comes back, and the connection goes on by itself.

use connect::CallbackError;
use http::Method;
use oauth::{Callback, State};
use serde_json::json;
use store::{AuditFilter, ConnectionName};
use url::Url;

use crate::house::{House, house};

const USER_READ_ALL_ROLE: &str = "df021288-bdef-4463-88db-98f22de89214";
const GROUP_READ_ALL_ROLE: &str = "5b567255-7703-4780-807c-7be8301ae99b";
const USER_READ_ALL_SCOPE: &str = "a154be20-db9c-4678-8ab7-66f6cc099a59";

/// Hands over what a browser brought back to this address.
async fn returned(house: &House, back: &Url) -> Result<Option<ConnectionName>, CallbackError> {
    let path = back.path().rsplit('/').next().unwrap();
    let callback = Callback::parse(back.query().unwrap_or_default()).unwrap();
    house.connector.consented(path, &callback).await
}

async fn link(house: &House, of: &str) -> String {
    house.card(of).await.admin_consent_url.unwrap()
}

async fn actions(house: &House, action: &str) -> usize {
    let filter = AuditFilter {
        action: Some(action.to_owned()),
        ..AuditFilter::default()
    };
    house
        .store
        .audit()
        .list(&house.actor, &filter)
        .await
        .unwrap()
        .len()
}

#[tokio::test]
async fn an_app_works_as_soon_as_the_administrator_is_back() {
    let house = house().await;
    house.administration().await;
    let app = house.register(&[(USER_READ_ALL_ROLE, "Role")]).await;
    house.create(app.used_by(house.app_only("graph"))).await;
    assert_eq!(house.card("graph").await.state, State::NeedsAdmin);
    let back = house.consent(&link(&house, "graph").await).await;
    assert!(
        back.query().unwrap().contains("admin_consent=True"),
        "{back}"
    );
    let name = returned(&house, &back).await.unwrap().unwrap();
    assert_eq!(name.as_str(), "graph");
    let card = house.card("graph").await;
    assert_eq!(card.state, State::Ok, "{card:?}");
    assert_eq!(card.token.unwrap().granted, ["User.Read.All"]);
    house.users("graph").await;
    assert_eq!(actions(&house, "connection.admin_consented").await, 1);
    // A link that is opened again asks for nothing as long as the token is that young.
    let grant = "client_credentials";
    let asked = house.token_requests(&app.client_id, grant).await;
    returned(&house, &back).await.unwrap().unwrap();
    assert_eq!(house.token_requests(&app.client_id, grant).await, asked);
}

#[tokio::test]
async fn a_person_is_asked_to_sign_in_after_the_administrator_was_there() {
    let house = house().await;
    house.administration().await;
    let app = house.register(&[(USER_READ_ALL_SCOPE, "Scope")]).await;
    house.create(app.used_by(house.delegated("graph"))).await;
    house.authorize("graph", &house.user(1)).await.unwrap_err();
    assert_ne!(house.card("graph").await.state, State::Ok);
    let back = house.consent(&link(&house, "graph").await).await;
    returned(&house, &back).await.unwrap().unwrap();
    let told = house.explain("graph").await;
    assert_eq!(
        told.command.as_deref(),
        Some("keyway connection authorize graph"),
        "{told:#?}"
    );
    house.authorize("graph", &house.user(1)).await.unwrap();
    house.users("graph").await;
}

#[tokio::test]
async fn a_refusal_is_the_administrators_and_says_so() {
    let house = house().await;
    house.administration().await;
    let app = house.register(&[(USER_READ_ALL_ROLE, "Role")]).await;
    house.create(app.used_by(house.app_only("graph"))).await;
    let back = house.decline(&link(&house, "graph").await).await;
    let refused = returned(&house, &back).await.unwrap_err();
    assert_eq!(refused.code(), "oauth.consent_refused");
    assert_eq!(refused.connection().unwrap().as_str(), "graph");
    let told = house.explain("graph").await;
    assert_eq!(told.state, State::NeedsAdmin);
    assert_eq!(told.raw.aadsts.as_deref(), Some("AADSTS65004"), "{told:#?}");
    assert!(told.link.unwrap().contains("/adminconsent?"));
    assert_eq!(actions(&house, "connection.admin_consent_refused").await, 1);
    // A connection that works is not talked into not working.
    house.create(house.app_only("well")).await;
    let mut other = Url::parse(&link(&house, "well").await).unwrap();
    let state = state_of(&other);
    other.set_query(Some(&format!(
        "error=access_denied&admin_consent=True&state={state}"
    )));
    other.set_path("/oauth/callback/microsoft-graph");
    returned(&house, &other).await.unwrap_err();
    assert_eq!(house.card("well").await.state, State::Ok);
}

fn state_of(link: &Url) -> String {
    let state = link.query_pairs().find(|(name, _)| name == "state");
    state.unwrap().1.into_owned()
}

#[tokio::test]
async fn only_a_link_of_ours_does_anything() {
    let house = house().await;
    house.create(house.app_only("graph")).await;
    let id = house.card("graph").await.id;
    let app = house.facts().app.client_id.clone();
    let asked = house.token_requests(&app, "client_credentials").await;
    house
        .store
        .clock
        .advance(jiff::SignedDuration::from_mins(5));
    let state = state_of(&Url::parse(&link(&house, "graph").await).unwrap());
    let tenant = &house.facts().tenant_id;
    let mut turned = state.clone().into_bytes();
    let last = turned.len() - 2;
    turned[last] = if turned[last] == b'A' { b'B' } else { b'A' };
    let forged = [
        String::new(),
        "consent.".to_owned(),
        format!("consent.{id}"),
        format!("consent.{id}."),
        format!("consent.{id}.AAAA"),
        String::from_utf8(turned).unwrap(),
        state.replace("consent.", "device."),
        format!("{state}x"),
    ];
    for state in forged {
        let back = format!(
            "http://localhost/oauth/callback/microsoft-graph?admin_consent=True&tenant={tenant}&state={state}"
        );
        let outcome = returned(&house, &Url::parse(&back).unwrap()).await;
        assert!(matches!(outcome, Ok(None)), "{state}: {outcome:?}");
    }
    let check = async |query: String, path: &str| {
        let callback = Callback::parse(&query).unwrap();
        let outcome = house.connector.consented(path, &callback).await;
        outcome.unwrap_err().code()
    };
    let good = format!("admin_consent=True&tenant={tenant}&state={state}");
    assert_eq!(check(good, &id).await, "oauth.connection_mismatch");
    let path = "microsoft-graph";
    let said_nothing = format!("tenant={tenant}&state={state}");
    assert_eq!(check(said_nothing, path).await, "oauth.callback_invalid");
    let elsewhere =
        format!("admin_consent=True&tenant=00000000-0000-0000-0000-000000000001&state={state}");
    assert_eq!(check(elsewhere, path).await, "oauth.other_tenant");
    assert_eq!(
        house.token_requests(&app, "client_credentials").await,
        asked
    );
    house
        .store
        .connections()
        .remove(&house.actor, &store::ConnectionId::parse(&id).unwrap())
        .await
        .unwrap();
    let gone = format!("admin_consent=True&tenant={tenant}&state={state}");
    assert_eq!(check(gone, path).await, "oauth.connection_changed");
}

#[tokio::test]
async fn a_consent_for_more_is_seen_in_the_next_token() {
    let house = house().await;
    house.administration().await;
    let app = house.register(&[(USER_READ_ALL_ROLE, "Role")]).await;
    house.create(app.used_by(house.app_only("graph"))).await;
    let back = house.consent(&link(&house, "graph").await).await;
    returned(&house, &back).await.unwrap().unwrap();
    let access: Vec<_> = [USER_READ_ALL_ROLE, GROUP_READ_ALL_ROLE]
        .map(|id| json!({"id": id, "type": "Role"}))
        .into();
    house
        .administer(
            Method::PATCH,
            &format!("/v1.0/applications/{}", app.id),
            json!({"requiredResourceAccess": [{
                "resourceAppId": "00000003-0000-0000-c000-000000000000",
                "resourceAccess": access,
            }]}),
        )
        .await;
    house
        .store
        .clock
        .advance(jiff::SignedDuration::from_mins(2));
    let back = house.consent(&link(&house, "graph").await).await;
    returned(&house, &back).await.unwrap().unwrap();
    let mut granted = house.card("graph").await.token.unwrap().granted;
    granted.sort();
    assert_eq!(granted, ["Group.Read.All", "User.Read.All"]);
}
