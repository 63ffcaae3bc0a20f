//! A page of 1,000 over HTTPS from the node against the same bytes from a file by nginx, in one
//! run, by one client.

use std::{
    fs,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use futures_util::future::try_join_all;
use reqwest::Client;

use super::{
    load::Load,
    server::{Kept, Server},
};
use crate::{
    figure::{Bar, Report},
    nodes::until,
};

const CONNECTIONS: usize = 8;
const TIME: Duration = Duration::from_secs(5);
const ROUNDS: usize = 3;

/// Measures the row; nginx is Debian's.
pub(super) async fn compare(report: &mut Report, objects: &[Vec<u8>]) -> Result<()> {
    let name = "SQLite: page of 1,000 over HTTPS against nginx";
    if Command::new("nginx").arg("-v").stderr(Stdio::null()).status().is_err() {
        report.skip(name, "nginx is not installed (Debian: apt-get install nginx-light)");
        return Ok(());
    }
    let server = Server::start(&Kept::Sqlite, true).await?;
    Load::new(&server.target)?.envelopes(objects, 1_000, 4).await?;
    let client = server.target.client()?;
    let url = server.target.url("objects/?limit=1000");
    let page = client.get(&url).send().await?.error_for_status()?.bytes().await?;
    let nginx = Nginx::start(&page)?;
    let file = format!("https://127.0.0.1:{}/page", nginx.port);
    until("nginx's first answer", async || Ok(client.get(&file).send().await.ok())).await?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(rate(&client, &url, page.len()).await?);
        theirs.push(rate(&client, &file, page.len()).await?);
    }
    let middle = |rates: &mut Vec<f64>| {
        rates.sort_by(f64::total_cmp);
        rates.get(rates.len() / 2).copied().unwrap_or(f64::NAN)
    };
    let (ours, theirs) = (middle(&mut ours), middle(&mut theirs));
    report.add("SQLite: pages of 1,000 over HTTPS", ours, "pages/s", Bar::None);
    report.add("nginx: the same bytes from a file", theirs, "pages/s", Bar::None);
    report.add(name, ours / theirs, "x", Bar::AtLeast(0.6));
    Ok(())
}

async fn rate(client: &Client, url: &str, bytes: usize) -> Result<f64> {
    let end = Instant::now() + TIME;
    let count = AtomicUsize::new(0);
    let worker = async || -> Result<()> {
        while Instant::now() < end {
            let page = client.get(url).send().await?.error_for_status()?.bytes().await?;
            ensure!(page.len() == bytes, "another page");
            count.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    };
    try_join_all((0..CONNECTIONS).map(|_| worker())).await?;
    Ok(count.into_inner() as f64 / TIME.as_secs_f64())
}

struct Nginx {
    child: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Nginx {
    fn start(page: &[u8]) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let path = folder.path();
        fs::write(path.join("page"), page)?;
        let made = Command::new("openssl")
            .args(["req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt"])
            .args(["ec_paramgen_curve:P-256", "-subj", "/CN=localhost", "-days", "2"])
            .arg("-keyout")
            .arg(path.join("key.pem"))
            .arg("-out")
            .arg(path.join("cert.pem"))
            .stderr(Stdio::null())
            .status()
            .context("openssl is needed to make nginx's certificate")?;
        ensure!(made.success(), "openssl made no certificate");
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let root = path.display();
        let config = format!(
            "daemon off; pid {root}/pid; error_log {root}/error.log; worker_processes 1;\n\
             events {{ worker_connections 256; }}\n\
             http {{ access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000;\n\
             server {{ listen 127.0.0.1:{port} ssl; root {root};\n\
             ssl_certificate {root}/cert.pem; ssl_certificate_key {root}/key.pem; }} }}\n"
        );
        fs::write(path.join("nginx.conf"), config)?;
        // Workers run as another user; they must come to the file.
        #[cfg(unix)]
        fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
        let child = Command::new("nginx")
            .arg("-c")
            .arg(path.join("nginx.conf"))
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self { child, port, _folder: folder })
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // `kill` would leave its workers: nginx ends them on a signal that asks.
        let id = self.child.id().to_string();
        let _ = Command::new("kill").arg("-TERM").arg(id).status();
        let _ = self.child.wait();
    }
}
