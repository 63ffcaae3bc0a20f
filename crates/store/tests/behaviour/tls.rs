//! TLS to PostgreSQL: Debian's server with a certificate made here, asked in every `sslmode`.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use pollster::block_on;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use store::{Error, Options, Store};

/// A PostgreSQL of this test alone: it listens over TCP, on a port of its own, and speaks TLS.
struct Server {
    folder: tempfile::TempDir,
    programs: PathBuf,
    port: u16,
}

/// PostgreSQL refuses to run as root, so root hands it to the user of Debian's package.
const USER: &str = "postgres";

impl Server {
    /// `None` where Debian's package is not here.
    fn start() -> Option<Self> {
        let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
        let mut found = versions.filter_map(|version| Some(version.ok()?.path().join("bin")));
        let programs = found.find(|folder| folder.join("initdb").exists())?;
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let server = Self { folder, programs, port };
        server.write_certificates();
        server.own();
        let data = server.path("data");
        server.run("initdb", &["--auth=trust", "--username=detente", "--pgdata", &data]);
        let settings = format!(
            "-c listen_addresses=127.0.0.1 -p {port} -k {} -c fsync=off -c ssl=on \
             -c ssl_cert_file={} -c ssl_key_file={} -c ssl_ca_file={}",
            server.folder.path().display(),
            server.path("server.pem"),
            server.path("server.key"),
            server.path("ca.pem"),
        );
        // Over TCP nobody comes in without TLS.
        let rules = "local all all trust\nhostssl all all 127.0.0.1/32 trust\n";
        fs::write(format!("{data}/pg_hba.conf"), rules).unwrap();
        let log = server.path("log");
        server.run(
            "pg_ctl",
            &["start", "--wait", "--silent", "-o", &settings, "-l", &log, "-D", &data],
        );
        Some(server)
    }

    /// An authority, and a certificate for `localhost` that it signed.
    fn write_certificates(&self) {
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        fs::write(self.path("ca.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
        let issuer = Issuer::new(params, key);
        let server_key = KeyPair::generate().unwrap();
        let server = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let server = server.signed_by(&server_key, &issuer).unwrap();
        fs::write(self.path("server.pem"), server.pem()).unwrap();
        fs::write(self.path("server.key"), server_key.serialize_pem()).unwrap();
        fs::set_permissions(self.path("server.key"), fs::Permissions::from_mode(0o600)).unwrap();
        let other = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        fs::write(self.path("other.pem"), params.self_signed(&other).unwrap().pem()).unwrap();
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// Gives the folder to the user that the server runs as.
    fn own(&self) {
        if is_root() {
            let owned = Command::new("chown").arg("-R").arg(USER).arg(self.folder.path()).status();
            assert!(owned.unwrap().success());
        }
    }

    fn run(&self, name: &str, arguments: &[&str]) {
        let program = self.programs.join(name);
        let mut command = match is_root() {
            true => {
                let mut command = Command::new("runuser");
                command.args(["-u", USER, "--"]).arg(program);
                command
            }
            false => Command::new(program),
        };
        let ran = command.args(arguments).current_dir("/").stdout(Stdio::null()).status();
        assert!(ran.unwrap().success(), "{name} {arguments:?}");
    }

    /// The store behind an address with these words about TLS.
    fn connect(&self, host: &str, words: &str) -> Result<Store, Error> {
        let url = format!("postgres://detente@{host}:{}/postgres?{words}", self.port);
        Store::connect(&url, Options::default())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let data = self.path("data");
        self.run("pg_ctl", &["stop", "--mode", "immediate", "--silent", "-D", &data]);
    }
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout.trim_ascii() == b"0"
}

fn works(store: Result<Store, Error>) {
    let store = store.unwrap();
    crate::kit::collection(&store, "workbench");
    assert_eq!(block_on(store.collections()).unwrap().len(), 1);
    store.close();
}

#[test]
fn tls_to_postgres_believes_as_much_as_its_mode_says() {
    let Some(server) = Server::start() else {
        eprintln!("tls_to_postgres_believes_as_much_as_its_mode_says: skipped, no PostgreSQL");
        return;
    };
    let root = |name: &str| format!("sslrootcert={}", server.path(name).replace('/', "%2F"));
    let (ours, other) = (root("ca.pem"), root("other.pem"));
    // The server takes nobody without TLS, so whoever comes in came over TLS.
    assert!(server.connect("localhost", "sslmode=disable").is_err());
    works(server.connect("localhost", ""));
    works(server.connect("127.0.0.1", "sslmode=prefer"));
    works(server.connect("127.0.0.1", "sslmode=require"));
    works(server.connect("127.0.0.1", &format!("sslmode=verify-ca&{ours}")));
    works(server.connect("localhost", &format!("sslmode=verify-full&{ours}")));
    for (host, words) in [
        ("127.0.0.1", format!("sslmode=verify-full&{ours}")),
        ("localhost", format!("sslmode=verify-full&{other}")),
        ("localhost", format!("sslmode=verify-ca&{other}")),
        ("localhost", format!("sslmode=require&{other}")),
        ("localhost", "sslmode=verify-full&sslrootcert=system".to_owned()),
    ] {
        let refused = server.connect(host, &words).map(drop);
        assert!(matches!(refused, Err(Error::Untrusted(_))), "{host} {words}: {refused:?}");
    }
    let missing = server.connect("localhost", "sslmode=verify-full&sslrootcert=%2Fnowhere.pem");
    assert!(
        matches!(missing.map(drop), Err(Error::Pem(path)) if path == Path::new("/nowhere.pem"))
    );
}
