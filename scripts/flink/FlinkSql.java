import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.TableEnvironment;
import org.apache.flink.table.api.TableResult;

/**
 * Runs a file of SQL statements, one behind the other, in this process: {@code streaming|batch FILE}.
 *
 * <p>A statement ends with a semicolon at the end of a line. One task slot and UTC, so that records
 * keep their order and days are those of the records.
 */
public class FlinkSql {
    public static void main(String[] arguments) throws Exception {
        EnvironmentSettings.Builder mode = EnvironmentSettings.newInstance();
        mode = arguments[0].equals("batch") ? mode.inBatchMode() : mode.inStreamingMode();
        TableEnvironment tables = TableEnvironment.create(mode.build());
        tables.getConfig().set("parallelism.default", "1");
        tables.getConfig().set("table.local-time-zone", "UTC");
        for (String statement : Files.readString(Path.of(arguments[1])).split(";\\s*(\n|$)")) {
            if (statement.isBlank()) {
                continue;
            }
            try {
                TableResult result = tables.executeSql(statement);
                // What only changes the catalog has no job to wait for.
                if (result.getJobClient().isPresent()) {
                    result.await();
                }
            } catch (Exception error) {
                System.err.println(statement + "\n" + rootOf(error));
                System.exit(1);
            }
        }
    }

    private static Throwable rootOf(Throwable error) {
        return error.getCause() == null ? error : rootOf(error.getCause());
    }
}
