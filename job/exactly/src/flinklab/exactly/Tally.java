package flinklab.exactly;

/** What the state of a key holds. Public, with public fields, so that Flink writes it by field. */
public final class Tally {
    /** Numbers counted. */
    public long count;
    /** The number that must come next. */
    public long next;
    /** Numbers that were left out. */
    public long gaps;
    /** Numbers that came although they had been counted. */
    public long duplicates;

    public Tally() {}

    /** Nothing was counted yet: the first number of a key is the key itself. */
    static Tally empty(long key) {
        Tally tally = new Tally();
        tally.next = key;
        return tally;
    }

    /** Counts a number. What is wrong with it is remembered with it, for every later checkpoint. */
    void count(long number) {
        count++;
        if (number < next) {
            duplicates++;
            return;
        }
        gaps += (number - next) / Row.KEYS;
        next = number + Row.KEYS;
    }

    /** How many numbers of the key there are below the next one. */
    long due(long key) {
        return (next - key) / Row.KEYS;
    }
}
