//! `/api/v1/presets`: the ready-made providers that a connection can be made from.

use axum::Json as Answer;
use serde::Serialize;
use utoipa::ToSchema;

use super::Refusals;
use crate::access::Viewer;

/// The ready-made providers.
#[derive(Serialize, ToSchema)]
pub(crate) struct PresetList {
    /// Where this server is reached; the base of every redirect URI.
    public_url: String,
    items: Vec<Preset>,
}

/// A ready-made provider.
#[derive(Serialize, ToSchema)]
pub(crate) struct Preset {
    /// The name to choose it by.
    #[serde(rename = "preset")]
    name: &'static str,
    /// What people call it.
    title: &'static str,
    /// The fields that say where it is; the rest follows.
    asks: &'static [&'static str],
    /// To be registered at the provider, where all connections to it share one; none where each has its own.
    redirect_uri: Option<String>,
    /// Its separate worlds, where it has some.
    clouds: Vec<Cloud>,
}

/// One of a provider's separate worlds.
#[derive(Serialize, ToSchema)]
pub(crate) struct Cloud {
    /// The name to choose it by.
    name: String,
    /// Where people and apps sign in.
    authority: String,
    /// Where its API is.
    graph: String,
    /// Whether this server's operator declared it.
    declared: bool,
}

impl Viewer {
    fn presets(&self) -> PresetList {
        let public_url = self
            .app()
            .public_url()
            .as_str()
            .trim_end_matches('/')
            .to_owned();
        let name = store::PresetName::MicrosoftGraph.as_str();
        let clouds = self
            .app()
            .connector()
            .clouds()
            .into_iter()
            .map(|cloud| Cloud {
                name: cloud.name,
                authority: cloud.authority,
                graph: cloud.graph,
                declared: cloud.declared,
            });
        let graph = Preset {
            name,
            title: "Microsoft Graph",
            asks: &["cloud", "tenant"],
            redirect_uri: Some(format!("{public_url}/oauth/callback/{name}")),
            clouds: clouds.collect(),
        };
        let others = self.app().connector().presets().into_iter();
        let others = others.map(|preset| Preset {
            name: preset.name,
            title: preset.title,
            asks: preset.asks,
            redirect_uri: preset.redirect_uri,
            clouds: Vec::new(),
        });
        PresetList {
            items: std::iter::once(graph).chain(others).collect(),
            public_url,
        }
    }
}

/// Lists the ready-made providers with their clouds and redirect URIs.
#[utoipa::path(get, path = "/api/v1/presets", tag = "connections", operation_id = "list_presets",
    responses((status = 200, body = PresetList), Refusals))]
pub(crate) async fn list(viewer: Viewer) -> Answer<PresetList> {
    Answer(viewer.presets())
}
