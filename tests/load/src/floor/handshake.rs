//! The upgrade to a WebSocket, as short as it can be: the key is looked for, the rest of the head is not.

use std::io;

use tokio::{io::AsyncWriteExt, net::TcpStream};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

const HEAD_BYTES_MAX: usize = 8 * 1024;
const KEY: &[u8] = b"sec-websocket-key: ";

/// Answers the upgrade; what the client sent behind its head is given back.
pub(super) async fn accept(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(512);
    let end = loop {
        stream.readable().await?;
        match stream.try_read_buf(&mut head) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
            Err(error) => return Err(error),
        }
        if let Some(end) = memchr::memmem::find(&head, b"\r\n\r\n") {
            break end + 4;
        }
        if head.len() > HEAD_BYTES_MAX {
            return Err(io::ErrorKind::InvalidData.into());
        }
    };
    let rest = head.split_off(end);
    let accept = derive_accept_key(key(&head).ok_or(io::ErrorKind::InvalidData)?);
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Protocol: verbatim.v1\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    stream.write_all(answer.as_bytes()).await?;
    Ok(rest)
}

fn key(head: &[u8]) -> Option<&[u8]> {
    let line = head
        .split(|byte| *byte == b'\n')
        .find(|line| line.get(..KEY.len()).is_some_and(|name| name.eq_ignore_ascii_case(KEY)))?;
    Some(line[KEY.len()..].trim_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_found_whatever_its_case() {
        let head = b"GET / HTTP/1.1\r\nHost: x\r\nSEC-WebSocket-Key: abc==\r\n\r\n";
        assert_eq!(key(head), Some(&b"abc=="[..]));
        assert_eq!(key(b"GET / HTTP/1.1\r\nSec-WebSocket-Keys: abc\r\n\r\n"), None);
    }
}
