//! Start-up and shutdown: requests and jobs begin together and are drained together.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{Extension, Router, serve::ListenerExt};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{app::App, config::Role, fake_rails::FakeRails, http, jobs};

/// Requests and jobs that have not ended by then are cut off.
const DRAIN: Duration = Duration::from_secs(10);

/// How long requests are still taken after SIGTERM, while `/readyz` sends new ones elsewhere.
const NOTICE: Duration = Duration::from_secs(2);

/// Serves until SIGINT or SIGTERM. Providers that are faked live as long, and are told where the server is.
pub async fn serve(app: App, fakes: Option<Arc<FakeRails>>) -> Result<(), String> {
    let stop = CancellationToken::new();
    let announced = CancellationToken::new();
    stop_on_signal(announced.clone(), stop.clone())?;
    let role = app.config.role;
    let jobs = jobs::spawn(&app, &stop, role);
    if let Some(address) = app.config.metrics_listen {
        let listener = TcpListener::bind(address)
            .await
            .map_err(|error| format!("--metrics-listen {address}: {error}"))?;
        jobs.spawn(serve_metrics(
            http::metrics::router(app.clone()),
            listener,
            stop.clone(),
        ));
    }
    let served = match role {
        Role::Worker => {
            tracing::info!("working without serving requests");
            stop.cancelled().await;
            drain(jobs, async { Ok(()) }).await
        }
        Role::All | Role::Api => {
            let listener = TcpListener::bind(app.config.listen)
                .await
                .map_err(|error| format!("--listen {}: {error}", app.config.listen))?;
            announce(&listener, &app)?;
            if let Some(fakes) = fakes.clone() {
                let server = listener.local_addr().map_err(|error| format!("--listen: {error}"))?;
                let stop = stop.clone();
                jobs.spawn(async move { fakes.run(server, stop).await });
            }
            let shutdown = http::Shutdown {
                announced,
                stop,
                open: jobs,
            };
            serve_requests(app.clone(), listener, shutdown).await
        }
    };
    match timeout(DRAIN, app.db.close()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "the database was not closed cleanly"),
        Err(_) => tracing::warn!("the database did not close in time"),
    }
    served
}

fn announce(listener: &TcpListener, app: &App) -> Result<(), String> {
    let address = listener.local_addr().map_err(|error| format!("--listen: {error}"))?;
    let base = match &app.config.public_url {
        Some(_) => app.config.public_base(),
        None => format!("http://{address}"),
    };
    println!("Tributary is at {base} (GraphQL at {base}/graphql)");
    Ok(())
}

async fn serve_metrics(router: Router, listener: TcpListener, stop: CancellationToken) {
    let server = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned());
    if let Err(error) = server.await {
        tracing::error!(%error, "the metrics are not served any more");
    }
}

/// Sockets find `shutdown` among the request's extensions: they end by its token and are waited for like jobs.
async fn serve_requests(app: App, listener: TcpListener, shutdown: http::Shutdown) -> Result<(), String> {
    let http::Shutdown { stop, open: jobs, .. } = shutdown.clone();
    // Answers are small and leave in one piece; waiting for more to send would only delay them.
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY was refused");
        }
    });
    let router = http::router(app).layer(Extension(shutdown));
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let server = axum::serve(listener, service).with_graceful_shutdown(stop.clone().cancelled_owned());
    let mut server = tokio::spawn(server.into_future());
    tokio::select! {
        ended = &mut server => {
            stop.cancel();
            let result = ended.map_err(|error| error.to_string()).and_then(|ended| ended.map_err(|error| error.to_string()));
            drain(jobs, async { result }).await
        }
        () = stop.cancelled() => {
            tracing::info!("stopping: no new requests, draining the open ones");
            let abort = server.abort_handle();
            let drained = drain(jobs, async {
                server.await.map_err(|error| error.to_string())?.map_err(|error| error.to_string())
            })
            .await;
            abort.abort();
            drained
        }
    }
}

/// Waits for requests and jobs, but not for ever.
async fn drain(jobs: TaskTracker, requests: impl Future<Output = Result<(), String>>) -> Result<(), String> {
    let both = async { tokio::join!(requests, jobs.wait()).0 };
    timeout(DRAIN, both).await.unwrap_or_else(|_| {
        tracing::warn!(seconds = DRAIN.as_secs(), "cut off what had not ended");
        Ok(())
    })
}

/// A person at a terminal (SIGINT) wants the end now; who ends processes behind a load balancer (SIGTERM) wants nobody to
/// notice.
fn stop_on_signal(announced: CancellationToken, stop: CancellationToken) -> Result<(), String> {
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| error.to_string())?;
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| error.to_string())?;
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => announced.cancel(),
            _ = terminate.recv() => {
                announced.cancel();
                tokio::select! {
                    _ = interrupt.recv() => {}
                    () = sleep(NOTICE) => {}
                }
            }
        }
        stop.cancel();
    });
    Ok(())
}
