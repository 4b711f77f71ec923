//! Lists of evidence have a bound, and a run may last longer than they have room for. What is newest
//! decides how a run ends, so that room is made among the oldest: first by what says nothing that
//! stands not beside it, then by the oldest but the first.

/// Makes room for one more where a list is full. In its older half every second one goes that is
/// `spare` between the one before it and the one after it: the more often room is made, the coarser
/// the oldest stretch becomes, and no end of a stretch is lost.
pub(super) fn make_room<T>(list: &mut Vec<T>, most: usize, spare: impl Fn(&T, &T, &T) -> bool) {
    if list.len() < most {
        return;
    }
    let half = list.len() / 2;
    let mut goes = vec![false; list.len()];
    for (n, around) in list.windows(3).enumerate().take(half) {
        if let [before, it, after] = around {
            goes[n + 1] = !goes[n] && spare(before, it, after);
        }
    }
    let mut goes = goes.into_iter();
    list.retain(|_| !goes.next().unwrap_or_default());
    // whoever counts from the first one finds it
    while list.len() >= most.max(2) {
        list.remove(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_of_stretches_the_first_and_the_newest_stay() {
        let mut list: Vec<(u32, u32)> = Vec::new();
        for n in 0..10_000 {
            make_room(&mut list, 100, |a, b, c| a.1 == b.1 && b.1 == c.1);
            list.push((n, n / 3_000));
        }
        assert!(list.len() <= 100);
        let numbers: Vec<u32> = list.iter().map(|(n, _)| *n).collect();
        for end in [0, 2_999, 3_000, 5_999, 6_000, 8_999, 9_000, 9_999] {
            assert!(numbers.contains(&end), "{end}: {numbers:?}");
        }
        assert!(numbers.is_sorted());
    }

    #[test]
    fn where_everything_says_something_the_oldest_goes() {
        let mut list = Vec::new();
        for n in 0..1_000 {
            make_room(&mut list, 10, |_, _, _| false);
            list.push(n);
        }
        assert_eq!(list, [0, 991, 992, 993, 994, 995, 996, 997, 998, 999]);
    }
}
