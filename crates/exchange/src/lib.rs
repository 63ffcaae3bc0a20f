//! The use cases of the channel: submit, release, relay, intake, receipt, recall, courier.
