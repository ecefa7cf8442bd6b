//! Names of hosts to addresses. What the client connects to is what was looked up and checked here, once: a name that leads elsewhere a
//! moment later changes nothing.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::{Reach, addresses::is_public};

/// Addresses of one name that are looked at.
const ADDRESSES_MAX: usize = 16;

/// Where names are looked up.
#[async_trait::async_trait]
pub(crate) trait Names: Send + Sync {
    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// As the machine does.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SystemNames;

#[async_trait::async_trait]
impl Names for SystemNames {
    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        let found = tokio::net::lookup_host((host, 0)).await?;
        Ok(found.map(|address| address.ip()).collect())
    }
}

/// The name has addresses, none of them a public one.
#[derive(Debug, thiserror::Error)]
#[error("the name leads to no public address")]
pub(super) struct NothingPublic;

#[derive(Debug, thiserror::Error)]
#[error("the name has no address")]
pub(super) struct NoAddress;

/// A name may lead to public and private addresses, as behind DNS64: only the public ones are connected to.
pub(super) struct Guarded {
    names: Arc<dyn Names>,
    reach: Reach,
}

impl Guarded {
    pub(super) fn new(names: Arc<dyn Names>, reach: Reach) -> Self {
        Self { names, reach }
    }
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let (names, reach) = (Arc::clone(&self.names), self.reach);
        Box::pin(async move {
            let mut found = names.addresses(name.as_str()).await.map_err(|_| NoAddress)?;
            found.truncate(ADDRESSES_MAX);
            if found.is_empty() {
                return Err(NoAddress.into());
            }
            match reach {
                Reach::Private => {}
                Reach::Anywhere | Reach::Configured => found.retain(|address| is_public(*address)),
            }
            if found.is_empty() {
                return Err(NothingPublic.into());
            }
            let addresses: Addrs = Box::new(found.into_iter().map(|address| SocketAddr::new(address, 0)));
            Ok(addresses)
        })
    }
}
