//! Continuity counters (ISO/IEC 13818-1 §2.4.3.3): repeated packets are recognised, and missing ones are noticed.

use super::packet::Packet;

/// Relation of a packet to the one before it in its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PacketOrder {
    /// Follows it, as far as counters tell.
    Next,
    /// Is the same packet, sent twice.
    Repeated,
    /// Does not follow it: packets between them are missing.
    Gap,
}

/// Counters of one stream, of packets with payload.
#[derive(Clone, Debug, Default)]
pub(super) struct PacketCounters {
    /// Number and payload of the last packet.
    last: Option<(u8, Vec<u8>)>,
    habit: Habit,
}

/// Habit of the writer of a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Habit {
    #[default]
    Unknown,
    Counts,
    /// Its counter stays the same from packet to packet.
    NeverCounts,
}

impl PacketCounters {
    /// Takes a packet with payload.
    pub fn take(&mut self, packet: &Packet<'_>) -> PacketOrder {
        let order = self.order(packet);
        if order != PacketOrder::Repeated {
            let last = self.last.get_or_insert_default();
            last.0 = packet.counter;
            last.1.clear();
            last.1.extend_from_slice(packet.payload);
        }
        order
    }

    fn order(&mut self, packet: &Packet<'_>) -> PacketOrder {
        let Some((counter, payload)) = &self.last else { return PacketOrder::Next };
        if packet.discontinuity {
            return PacketOrder::Next;
        }
        if *counter == packet.counter {
            let same = payload == packet.payload;
            return match self.habit {
                Habit::NeverCounts => PacketOrder::Next,
                Habit::Unknown | Habit::Counts if same => PacketOrder::Repeated,
                Habit::Unknown => {
                    self.habit = Habit::NeverCounts;
                    PacketOrder::Next
                }
                // Fifteen packets are missing.
                Habit::Counts => PacketOrder::Gap,
            };
        }
        let counted = self.habit != Habit::NeverCounts;
        self.habit = Habit::Counts;
        if counted && (counter + 1) & 15 != packet.counter { PacketOrder::Gap } else { PacketOrder::Next }
    }

    /// Counters may begin anew (`discontinuity_indicator`, §2.4.3.5), or packets of elsewhere follow.
    pub fn restart(&mut self) {
        self.last = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(counter: u8, payload: &[u8]) -> Packet<'_> {
        Packet {
            pid: 0x101,
            unit_start: false,
            discontinuity: false,
            scrambled: false,
            stuffed: false,
            counter,
            payload,
        }
    }

    fn orders(packets: &[(u8, &[u8])]) -> Vec<PacketOrder> {
        let mut counters = PacketCounters::default();
        packets.iter().map(|(counter, payload)| counters.take(&packet(*counter, payload))).collect()
    }

    #[test]
    fn a_gap_is_a_counter_that_does_not_follow() {
        use PacketOrder::{Gap, Next, Repeated};
        let counted =
            orders(&[(14, b"a"), (15, b"b"), (0, b"c"), (2, b"d"), (3, b"e"), (3, b"e"), (3, b"f"), (4, b"g")]);
        assert_eq!(counted, [Next, Next, Next, Gap, Next, Repeated, Gap, Next]);
        assert_eq!(orders(&[(5, b"a"), (7, b"b")]), [Next, Gap]);
        assert_eq!(orders(&[(5, b"a"), (5, b"a"), (6, b"b")]), [Next, Repeated, Next]);
    }

    #[test]
    fn a_writer_that_never_counts_repeats_nothing_and_misses_nothing() {
        let constant = orders(&[(0, b"a"), (0, b"b"), (0, b"b"), (0, b"c"), (0, b"c")]);
        assert_eq!(constant, [PacketOrder::Next; 5]);
    }

    #[test]
    fn counters_may_begin_anew_where_that_is_announced() {
        let mut counters = PacketCounters::default();
        counters.take(&packet(3, b"a"));
        let announced = Packet { discontinuity: true, ..packet(9, b"b") };
        assert_eq!(counters.take(&announced), PacketOrder::Next);
        assert_eq!(counters.take(&packet(10, b"c")), PacketOrder::Next);
        counters.restart();
        assert_eq!(counters.take(&packet(2, b"d")), PacketOrder::Next);
        assert_eq!(counters.take(&packet(5, b"e")), PacketOrder::Gap);
    }
}
