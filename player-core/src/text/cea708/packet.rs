//! Caption channel packets out of byte pairs (ANSI/CTA-708-E §5), and the service blocks in them (§6).

/// Bytes of a packet at most, header included (§5).
const LONGEST: usize = 128;

/// Gathers the bytes of a packet.
#[derive(Clone, Debug, Default)]
pub(in crate::text) struct Assembler {
    bytes: Vec<u8>,
    /// Bytes of the packet that is gathered; none before the first start and after an end.
    length: Option<usize>,
}

impl Assembler {
    /// Takes two bytes and hands out each packet that ends with them, without its header. A packet that the next one
    /// cuts short is handed out as far as it goes: whole service blocks in it are good.
    ///
    /// Sequence numbers tell of lost packets, but nothing better can be done then than to go on: windows stay, and
    /// the next definition puts them right. Many encoders never count.
    pub fn push(&mut self, start: bool, bytes: [u8; 2], packet: &mut impl FnMut(&[u8])) {
        if start {
            self.end(packet);
            // The size code counts pairs; zero stands for the longest packet.
            let pairs = usize::from(bytes[0] & 0x3f);
            self.length = Some(if pairs == 0 { LONGEST } else { pairs * 2 });
        }
        let Some(length) = self.length else { return };
        self.bytes.extend_from_slice(&bytes);
        if self.bytes.len() >= length {
            self.end(packet);
        }
    }

    fn end(&mut self, packet: &mut impl FnMut(&[u8])) {
        if let Some([_, data @ ..]) = self.bytes.get(..self.bytes.len().min(self.length.unwrap_or(0))) {
            packet(data);
        }
        self.bytes.clear();
        self.length = None;
    }
}

/// The service blocks of a packet: numbers and contents. Ends at a null block header, and at a block that the packet
/// does not hold as a whole.
pub(in crate::text) fn blocks(packet: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let mut rest = packet;
    std::iter::from_fn(move || {
        let (&header, mut after) = rest.split_first()?;
        let size = usize::from(header & 0x1f);
        let mut number = header >> 5;
        if number == 0 {
            return None;
        }
        // Seven with a size is followed by the number of an extended service.
        if number == 7 && size > 0 {
            let (&extended, behind) = after.split_first()?;
            number = extended & 0x3f;
            after = behind;
        }
        let (block, behind) = after.split_at_checked(size)?;
        rest = behind;
        Some((number, block))
    })
}
