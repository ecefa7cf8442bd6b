//! A whole application on a folder of its own, for tests that need more than one part of it.

use actix_web::web;
use projections::Running;
use tempfile::TempDir;

use super::opening::{Opened, open};
use crate::{app::App, settings::settings_of};

pub(crate) struct Stage {
    pub(crate) app: web::Data<App>,
    _views: Running,
    _folder: TempDir,
}

impl Stage {
    /// Rates are lifted, unless the variables say otherwise.
    pub(crate) async fn set(variables: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().to_str().expect("UTF-8");
        let mut all = vec![("VERBATIM_DATA_DIR", path), ("VERBATIM_RATE_LIMITS", "off")];
        all.extend(variables);
        let Opened { app, views } = open(settings_of(&all)).await.expect("opens");
        Self {
            app,
            _views: views,
            _folder: folder,
        }
    }
}
