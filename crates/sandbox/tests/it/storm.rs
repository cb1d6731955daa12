//! Ten thousand requests at once.

use futures_util::StreamExt as _;
use futures_util::stream;

use super::client::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_requests_at_once_are_all_answered_and_logged() {
    const COUNT: usize = 10_000;
    let world = World::start().await;
    let token = world.app_token().await;
    let url = world.url("/v1.0/users?$top=1&$select=id");
    let requests = (0..COUNT).map(|_| {
        let request = world.http.get(&url).bearer_auth(&token);
        async move {
            let response = request.send().await.unwrap();
            let status = response.status().as_u16();
            // A body left unread would reset its stream.
            response.bytes().await.unwrap();
            status
        }
    });
    let answers: Vec<u16> = stream::iter(requests)
        .buffer_unordered(COUNT)
        .collect()
        .await;
    assert!(answers.iter().all(|status| *status == 200));
    let log = world.log().await;
    assert_eq!(log.len(), COUNT + 1);
    assert!(
        log.iter()
            .enumerate()
            .all(|(index, line)| line["seq"] == index + 1)
    );
}
