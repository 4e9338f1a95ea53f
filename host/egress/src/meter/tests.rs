use tokio::io::AsyncReadExt as _;

use super::*;

#[tokio::test]
async fn bodies_that_are_read_are_no_overhead() {
    let meter = Meter::new();
    let mut stream = Metered::new(tokio::io::repeat(0), Arc::clone(&meter));
    let mut buffer = vec![0; 1 << 20];
    for _ in 0..64 {
        stream.read_exact(&mut buffer).await.unwrap();
        meter.body(buffer.len());
    }
    assert!(!meter.tripped());
}

#[tokio::test]
async fn what_no_body_accounts_for_ends_the_connection() {
    let meter = Meter::new();
    meter.exchange();
    let mut stream = Metered::new(tokio::io::repeat(0), Arc::clone(&meter));
    let allowed = limits::OVERHEAD + limits::OVERHEAD_EXCHANGE;
    let read = tokio::io::copy(&mut (&mut stream).take(allowed), &mut tokio::io::sink()).await.unwrap();
    assert_eq!((read, meter.tripped()), (allowed, false));
    assert!(stream.read(&mut [0]).await.is_err());
    assert!(meter.tripped());
}

/// A byte of a body in each frame of HTTP/2, which has nine bytes besides.
#[tokio::test]
async fn small_frames_are_bodies_too() {
    let meter = Meter::new();
    let mut stream = Metered::new(tokio::io::repeat(0), Arc::clone(&meter));
    for _ in 0..limits::OVERHEAD {
        stream.read_exact(&mut [0; 10]).await.unwrap();
        meter.body(1);
    }
    assert!(!meter.tripped());
}
