//! nostr-relay-builder's relay in memory on the loopback port given as the first argument.
use nostr_relay_builder::prelude::*;
use std::net::{IpAddr, Ipv4Addr};

#[tokio::main]
async fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let port: u16 = std::env::args().nth(1).ok_or("usage: relay-builder PORT")?.parse()?;
    let builder = RelayBuilder::default()
        .addr(IpAddr::V4(Ipv4Addr::LOCALHOST))
        .port(port)
        .rate_limit(RateLimit { max_reqs: 500, notes_per_minute: 100_000 });
    let relay = LocalRelay::new(builder);
    relay.run().await?;
    println!("listening {port}");
    tokio::signal::ctrl_c().await?;
    Ok(())
}
