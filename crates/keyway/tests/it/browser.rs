//! A person's browser: cookies, redirects, forms.

use std::collections::BTreeMap;

use crate::page;

/// What the person does on a consent page.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Consent {
    Accept,
    Cancel,
}

/// Walks from an address through sign-in and consent; answers status and text of the last page.
pub(crate) fn walk(
    ca_file: &str,
    start: &str,
    upn: &str,
    password: &str,
    consent: Consent,
) -> (u16, String) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let authority = reqwest::Certificate::from_pem(&std::fs::read(ca_file).unwrap()).unwrap();
        drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
        let client = reqwest::Client::builder()
            .tls_certs_only([authority])
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .unwrap();
        let mut cookies: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        let mut request = (url::Url::parse(start).unwrap(), None::<String>);
        for _ in 0..20 {
            let (url, form) = request;
            let jar = cookies.entry(url.authority().to_owned()).or_default();
            let mut sent = match form {
                None => client.get(url.clone()),
                Some(form) => client
                    .post(url.clone())
                    .header("content-type", "application/x-www-form-urlencoded")
                    .body(form),
            };
            if !jar.is_empty() {
                sent = sent.header(
                    "cookie",
                    jar.iter()
                        .map(|(name, value)| format!("{name}={value}"))
                        .collect::<Vec<_>>()
                        .join("; "),
                );
            }
            let response = sent.send().await.unwrap();
            for cookie in response.headers().get_all("set-cookie") {
                let (name, value) = cookie
                    .to_str()
                    .unwrap()
                    .split(';')
                    .next()
                    .unwrap()
                    .split_once('=')
                    .unwrap();
                jar.insert(name.to_owned(), value.to_owned());
            }
            if let Some(target) = response.headers().get("location") {
                request = (url.join(target.to_str().unwrap()).unwrap(), None);
                continue;
            }
            let status = response.status().as_u16();
            let html = response.text().await.unwrap();
            let Some(form) = page::forms(&html)
                .into_iter()
                .find(|form| !form.fields.is_empty() && status < 400)
            else {
                return (status, html);
            };
            let mut pairs = url::form_urlencoded::Serializer::new(String::new());
            let wanted = if consent == Consent::Accept {
                "accept"
            } else {
                "cancel"
            };
            for field in &form.fields {
                match field.kind.as_str() {
                    "password" => drop(pairs.append_pair(&field.name, password)),
                    "text" | "email" => drop(pairs.append_pair(&field.name, upn)),
                    "checkbox" => {}
                    "submit"
                        if form
                            .fields
                            .iter()
                            .filter(|field| field.kind == "submit")
                            .count()
                            > 1
                            && field.value != wanted => {}
                    _ => drop(pairs.append_pair(&field.name, &field.value)),
                }
            }
            let target = if form.action.is_empty() {
                url
            } else {
                url.join(&form.action).unwrap()
            };
            assert!(form.is_post, "{html}");
            request = (target, Some(pairs.finish()));
        }
        panic!("the walk from {start} has no end");
    })
}
