import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;

/** Sends standard input to an address twice, with a client's defaults, and prints the bodies of the answers. */
public class Ask {
    public static void main(String[] arguments) throws Exception {
        var client = HttpClient.newHttpClient();
        var body = HttpRequest.BodyPublishers.ofByteArray(System.in.readAllBytes());
        var request = HttpRequest.newBuilder(URI.create(arguments[0]))
                .header("Content-Type", "application/json").POST(body).build();
        for (int time = 0; time < 2; time++) {
            var answer = client.send(request, BodyHandlers.ofString());
            if (answer.statusCode() != 200) {
                throw new IllegalStateException(answer.statusCode() + " " + answer.body());
            }
            System.out.println(answer.body());
        }
    }
}
