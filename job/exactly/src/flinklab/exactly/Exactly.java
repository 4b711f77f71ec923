package flinklab.exactly;

import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * A job that can prove that its state is exact: it numbers its input, counts every number under a
 * key, and knows of each key which number must come next.
 *
 * <p>What it proves: every number up to the last one was counted in the state once, with no gap and
 * no number twice, over any restart and restore. Position and counts are in the same checkpoint, so
 * a job that lost both begins again at 0 and is consistent with itself; therefore it also says
 * what it had counted in its newest completed checkpoint, and flinklab, which remembers that,
 * notices when less comes back. What it does not prove: delivery. There is no sink, so nothing is
 * said of what a system outside of Flink would have seen once or twice.
 *
 * <p>Takes {@code --rate N}: numbers a second, all together. Checkpoints are the cluster's to
 * configure.
 */
public final class Exactly {
    private static final int USUAL_RATE = 100;

    private Exactly() {}

    public static void main(String[] arguments) throws Exception {
        StreamExecutionEnvironment environment =
                StreamExecutionEnvironment.getExecutionEnvironment();
        // Names and ids are what flinklab asks for and what a savepoint finds its state by.
        environment
                .fromSource(
                        new Numbers(rate(arguments)),
                        WatermarkStrategy.noWatermarks(),
                        "numbers",
                        Types.LONG)
                .uid("numbers")
                .keyBy(Row::key, Types.LONG)
                .process(new Count(), Types.VOID)
                .name("count")
                .uid("count");
        environment.execute("Numbers counted once");
    }

    private static int rate(String[] arguments) {
        if (arguments.length == 0) {
            return USUAL_RATE;
        }
        if (arguments.length == 2 && arguments[0].equals("--rate")) {
            int rate = Integer.parseInt(arguments[1]);
            if (rate > 0) {
                return rate;
            }
        }
        throw new IllegalArgumentException(
                "Only `--rate N` is known: numbers a second, 1 or more. Given: "
                        + String.join(" ", arguments));
    }
}
