//! The loop that `make bench` compares lists with: a list of Graph read page by page with nothing around it.
//!
//! The same HTTP client, TLS and page size as Keyway; each page is parsed and its items are counted. It prints how many
//! there were and how many seconds they took. Takes the address, a PEM file of the authority, and the token on stdin.

use std::error::Error;
use std::time::Instant;

use serde_json::Value;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(address), Some(authority)) = (arguments.next(), arguments.next()) else {
        return Err("give the address of the list and a PEM file of the authority".into());
    };
    let token = std::io::read_to_string(std::io::stdin())?;
    let authority = reqwest::Certificate::from_pem(&std::fs::read(authority)?)?;
    let client = reqwest::Client::builder()
        .tls_certs_merge([authority])
        .no_proxy()
        .build()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let began = Instant::now();
    let users = runtime.block_on(read(&client, address, token.trim()))?;
    let seconds = began.elapsed().as_secs_f64();
    serde_json::to_writer(
        std::io::stdout(),
        &serde_json::json!({ "users": users, "seconds": seconds }),
    )?;
    Ok(())
}

/// Reads all pages and counts their items.
async fn read(
    client: &reqwest::Client,
    address: String,
    token: &str,
) -> Result<usize, Box<dyn Error>> {
    let mut next = Some(address);
    let mut users = 0;
    while let Some(url) = next {
        let answer = client.get(url).bearer_auth(token).send().await?;
        let page: Value = serde_json::from_slice(&answer.error_for_status()?.bytes().await?)?;
        users += page["value"].as_array().map_or(0, Vec::len);
        next = page["@odata.nextLink"].as_str().map(str::to_owned);
    }
    Ok(users)
}
