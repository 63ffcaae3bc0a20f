//! What to paste into each client so that it reads a collection. Names in angle brackets are to be
//! filled in; a token is never put into one.

use store::{Collection, Flow};

/// Text for one client.
pub(super) struct Snippet {
    pub(super) client: &'static str,
    pub(super) hint: &'static str,
    pub(super) text: String,
}

/// Snippets for a collection behind a desk's address.
pub(super) fn of(base: &str, collection: &Collection) -> Vec<Snippet> {
    let (root, id) = (&collection.root, collection.id);
    // As the collection's resource has it: OpenCTI's connector splits at the dot.
    let title = collection.title.replace('.', " ");
    let address = format!("{base}/{root}/collections/{id}");
    let discovery = format!("{base}/taxii2/");
    let mut all = vec![
        Snippet {
            client: "curl",
            hint: "One page of 100 objects.",
            text: format!(
                "curl --header 'Authorization: Bearer <token>' \\\n\
                 \x20    --header 'Accept: application/taxii+json;version=2.1' \\\n\
                 \x20    '{address}/objects/?limit=100'"
            ),
        },
        Snippet {
            client: "taxii2-client and stix2 (Python)",
            hint: "Every object as a Python object.",
            text: format!(
                "from stix2 import TAXIICollectionSource\n\
                 from taxii2client.v21 import Collection\n\
                 from taxii2client.common import TokenAuth\n\
                 \n\
                 collection = Collection(\"{address}/\", auth=TokenAuth(\"<token>\"))\n\
                 for object in TAXIICollectionSource(collection).query():\n\
                 \x20   print(object.id)"
            ),
        },
        Snippet {
            client: "OpenCTI",
            hint: "Environment of the connector `taxii2`; it names a collection by its root and title.",
            text: format!(
                "TAXII2_DISCOVERY_URL={discovery}\n\
                 TAXII2_V21=true\n\
                 TAXII2_USE_TOKEN=true\n\
                 TAXII2_TOKEN=<token>\n\
                 TAXII2_COLLECTIONS={root}.{title}"
            ),
        },
        Snippet {
            client: "MISP",
            hint: "Sync Actions, TAXII servers. It pushes there with an account that may write.",
            // The key is what stands behind `Basic`.
            text: format!(
                "Base URL:   {base}\n\
                 API root:   {root}\n\
                 Collection: {id}\n\
                 API key:    <what `printf '<account>:<password>' | base64 -w0` prints>"
            ),
        },
        Snippet {
            client: "Microsoft Sentinel",
            hint: "Data connector Threat Intelligence, TAXII.",
            text: format!(
                "API root URL:  {base}/{root}/\n\
                 Collection ID: {id}\n\
                 Username:      <account>\n\
                 Password:      <password>"
            ),
        },
        Snippet {
            client: "Elastic (Custom Threat Intelligence)",
            hint: "Integration ti_custom. A token goes as api_key, in place of the name and password.",
            // Without an initial interval it reads everything each time.
            text: format!(
                "url: {address}/objects/\n\
                 enable_taxii: true\n\
                 username: <account>\n\
                 password: <password>\n\
                 initial_interval: 720h\n\
                 interval: 5m\n\
                 limit: 1000"
            ),
        },
        Snippet {
            client: "QRadar",
            hint: "Threat Intelligence app, feed over TAXII 2.1.",
            text: format!(
                "TAXII endpoint: {discovery}\nVersion:        2.1\nAuthentication: HTTP Basic, <account>\nCollection:     {title}"
            ),
        },
    ];
    if matches!(collection.flow, Flow::Local | Flow::Outgoing) {
        all.insert(
            1,
            Snippet {
                client: "curl, to add",
                hint: "Posts an envelope.",
                text: format!(
                    "curl --header 'Authorization: Bearer <token>' \\\n\
                 \x20    --header 'Accept: application/taxii+json;version=2.1' \\\n\
                 \x20    --header 'Content-Type: application/taxii+json;version=2.1' \\\n\
                 \x20    --data-binary @envelope.json '{address}/objects/'"
                ),
            },
        );
    }
    all
}

#[cfg(test)]
mod tests {
    use store::{NewCollection, Options, Store};
    use uuid::Uuid;

    use super::*;

    async fn text(client: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("node.db"), Options::default()).unwrap();
        let new = NewCollection::local(Uuid::nil(), "lamps", "Lamps");
        store.create_collection(new, "ada".to_owned(), crate::desk::now()).await.unwrap();
        let collection = store.collections().await.unwrap().remove(0);
        let all = of("https://desk.example", &collection);
        all.into_iter().find(|one| one.client.starts_with(client)).unwrap().text
    }

    /// MISP/MISP, `app/Model/TaxiiServer.php`: it joins base address, `/` and the root's name.
    #[tokio::test]
    async fn misp_is_told_the_roots_name_and_one_key() {
        let text = text("MISP").await;
        assert!(text.contains("Base URL:   https://desk.example\n"), "{text}");
        assert!(text.contains("API root:   local\n") && text.contains("API key: "), "{text}");
        assert!(!text.contains("Password:"), "{text}");
    }

    /// elastic/integrations, `packages/ti_custom/data_stream/indicator/manifest.yml`.
    #[tokio::test]
    async fn elastic_is_told_the_variables_of_its_integration() {
        const KNOWN: [&str; 7] = [
            "url",
            "enable_taxii",
            "username",
            "password",
            "initial_interval",
            "interval",
            "limit",
        ];
        let text = text("Elastic").await;
        let names: Vec<_> = text.lines().filter_map(|line| line.split(':').next()).collect();
        assert_eq!(names, KNOWN);
        let url = format!("url: https://desk.example/local/collections/{}/objects/", Uuid::nil());
        assert_eq!(text.lines().next(), Some(url.as_str()));
    }
}
