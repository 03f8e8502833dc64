#include <algorithm>
#include <array>
#include <cctype>
#include <string>

#include "auth/password.h"

namespace antiphon::auth {
namespace {

// Words people take for a password, and which they then lengthen by digits, signs or by writing them
// twice. Together with the rules below they stand for the lists that are tried first.
constexpr std::array kWords = std::to_array<std::string_view>({
    "aaaa",       "abcd",       "abcde",       "abcdef",     "abcdefg",    "abcdefgh",
    "access",     "account",    "action",      "adidas",     "admin",      "administrator",
    "adobe",      "airplane",   "alexander",   "alexis",     "alpha",      "amanda",
    "america",    "american",   "anderson",    "andrea",     "andrew",     "angel",
    "angela",     "angels",     "animal",      "anthony",    "antiphon",   "apache",
    "apple",      "apples",     "april",       "arsenal",    "arthur",     "asdf",
    "asdfasdf",   "asdfg",      "asdfgh",      "asdfghj",    "asdfghjk",   "asdfghjkl",
    "ashley",     "asshole",    "august",      "austin",     "autumn",     "azerty",
    "azertyuiop", "babygirl",   "badboy",      "bailey",     "banana",     "barcelona",
    "barney",     "baseball",   "basketball",  "batman",     "beautiful",  "benjamin",
    "berlin",     "bigdaddy",   "bigdick",     "blabla",     "blackcat",   "blessed",
    "blink",      "bluebird",   "booboo",      "boomer",     "boston",     "brandon",
    "brandy",     "brooklyn",   "brother",     "bubbles",    "buddy",      "bullshit",
    "butterfly",  "calvin",     "camaro",      "canada",     "captain",    "carlos",
    "caroline",   "carpenter",  "cartman",     "casper",     "cassie",     "champion",
    "change",     "changeit",   "changeme",    "changethis", "charlie",    "charlotte",
    "cheese",     "chelsea",    "cherry",      "chester",    "chicago",    "chicken",
    "chocolate",  "christ",     "christian",   "christina",  "christine",  "chris",
    "cocacola",   "coffee",     "college",     "compaq",     "computer",   "consumer",
    "cookie",     "cookies",    "cooper",      "corvette",   "cowboy",     "cowboys",
    "creative",   "cristina",   "crystal",     "daddy",      "dakota",     "dallas",
    "daniel",     "danielle",   "david",       "debbie",     "december",   "default",
    "demo",       "dennis",     "denver",      "destiny",    "diablo",     "diamond",
    "doctor",     "dolphin",    "dolphins",    "dragon",     "dreamer",    "eagles",
    "einstein",   "elephant",   "elizabeth",   "emmanuel",   "enter",      "estrella",
    "everton",    "explorer",   "facebook",    "family",     "fender",     "ferrari",
    "firebird",   "fireman",    "fishing",     "florida",    "flower",     "flowers",
    "football",   "forever",    "formula",     "forward",    "freedom",    "friend",
    "friends",    "friendship", "fuckyou",     "gandalf",    "garfield",   "gateway",
    "general",    "genesis",    "george",      "gangster",   "giants",     "ginger",
    "godzilla",   "golden",     "golfer",      "goodluck",   "google",     "gordon",
    "grandma",    "greenday",   "guest",       "guitar",     "gunner",     "hallo",
    "hamster",    "handsome",   "hannah",      "happy",      "harley",     "harrypotter",
    "harvey",     "heather",    "hello",       "hellokitty", "helloworld", "help",
    "helpme",     "hockey",     "homer",       "honey",      "hunter",     "iloveu",
    "iloveyou",   "iloveme",    "infinity",    "inlove",     "internet",   "isabella",
    "iwantu",     "jackson",    "jasmine",     "jasper",     "jennifer",   "jeremy",
    "jessica",    "jesus",      "jesuschrist", "johnny",     "johnson",    "jordan",
    "joseph",     "joshua",     "julian",      "junior",     "justin",     "kennedy",
    "killer",     "kimberly",   "kitten",      "knight",     "letmein",    "liberty",
    "lifehack",   "liverpool",  "login",       "logitech",   "london",     "loulou",
    "love",       "lovely",     "loveme",      "lover",      "loveyou",    "lucky",
    "maggie",     "magic",      "manchester",  "marina",     "mario",      "marlboro",
    "martin",     "master",     "matrix",      "matthew",    "maverick",   "maxwell",
    "melissa",    "mercedes",   "merlin",      "metallica",  "michael",    "michelle",
    "mickey",     "midnight",   "miguel",      "miller",     "minecraft",  "mobile",
    "monday",     "money",      "monkey",      "monster",    "morgan",     "mother",
    "motorola",   "mountain",   "mustang",     "myspace",    "naruto",     "nathan",
    "network",    "newyork",    "nicholas",    "nicole",     "nirvana",    "nothing",
    "november",   "october",    "ollama",      "olivia",     "openai",     "openwebui",
    "orange",     "orlando",    "pantera",     "paradise",   "pass",       "passport",
    "passw",      "password",   "passwort",    "patricia",   "patrick",    "peaches",
    "peanut",     "pepper",     "phoenix",     "platinum",   "playboy",    "please",
    "pokemon",    "police",     "popcorn",     "porsche",    "precious",   "princess",
    "private",    "pumpkin",    "purple",      "pussy",      "qaywsx",     "qazwsx",
    "qazwsxedc",  "qwaszx",     "qwer",        "qwerasdf",   "qwert",      "qwerty",
    "qwertyu",    "qwertyui",   "qwertyuiop",  "qwertz",     "qwertzu",    "qwertzui",
    "qwertzuiop", "rabbit",     "rachel",      "raiders",    "rainbow",    "ranger",
    "rangers",    "rebecca",    "redskins",    "redsox",     "richard",    "robert",
    "rockstar",   "rockyou",    "ronaldo",     "root",       "rosebud",    "runescape",
    "samantha",   "samsung",    "sandra",      "saturn",     "scooby",     "scooter",
    "scorpion",   "secret",     "security",    "september",  "server",     "service",
    "shadow",     "shannon",    "shelby",      "sierra",     "silver",     "skippy",
    "slayer",     "slipknot",   "snoopy",      "snowball",   "soccer",     "softball",
    "something",  "sparky",     "spiderman",   "spongebob",  "spring",     "starwars",
    "station",    "steelers",   "stephanie",   "steven",     "summer",     "sunflower",
    "sunshine",   "super",      "superman",    "superstar",  "support",    "sweetheart",
    "sweety",     "sysadmin",   "system",      "teacher",    "temp",       "tennis",
    "test",       "tester",     "testing",     "testpass",   "teste",      "thomas",
    "thunder",    "tigers",     "tigger",      "tinkerbell", "toor",       "trustno",
    "trustme",    "tweety",     "twilight",    "unicorn",    "user",       "username",
    "vanessa",    "victor",     "victoria",    "viking",     "warcraft",   "warrior",
    "webmaster",  "welcome",    "whatever",    "whiskey",    "wildcats",   "william",
    "willow",     "wilson",     "windows",     "winner",     "winston",    "winter",
    "wizard",     "xbox",       "xxxx",        "yamaha",     "yankee",     "yankees",
    "yellow",     "zaq",        "zaqwsx",      "zxcv",       "zxcvb",      "zxcvbn",
    "zxcvbnm",
});

constexpr std::array kRows = std::to_array<std::string_view>(
    {"01234567890123456789", "abcdefghijklmnopqrstuvwxyz", "qwertyuiop", "qwertzuiop", "azertyuiop",
     "asdfghjkl", "zxcvbnm", "1qaz2wsx3edc4rfv5tgb6yhn7ujm", "1q2w3e4r5t6y7u8i9o0p",
     "q1w2e3r4t5y6u7i8o9p0", "qazwsxedcrfvtgbyhnujm", "qweasdzxc", "123qweasdzxc", "1234qwerasdfzxcv",
     "147258369", "159357"});

bool is_word(std::string_view text) {
  return std::ranges::find(kWords, text) != kWords.end();
}

std::string lowered(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

/// p4ssw0rd → password.
std::string plain_letters(std::string text) {
  constexpr std::string_view kFrom = "0134578@$!", kTo = "oieastbasi";
  for (char& c : text)
    if (std::size_t at = kFrom.find(c); at != kFrom.npos) c = kTo[at];
  return text;
}

bool is_letter(char c) {
  return c >= 'a' && c <= 'z';
}

/// The text without digits and signs at its ends.
std::string_view core_of(std::string_view text) {
  while (!text.empty() && !is_letter(text.back())) text.remove_suffix(1);
  while (!text.empty() && !is_letter(text.front())) text.remove_prefix(1);
  return text;
}

/// "abcabcabc", "11111111", "passpass": a short unit, repeated.
std::string_view unit_of(std::string_view text) {
  for (std::size_t size = 1; size <= text.size() / 2; ++size) {
    if (text.size() % size) continue;
    bool repeats = true;
    for (std::size_t i = size; repeats && i < text.size(); ++i) repeats = text[i] == text[i - size];
    if (repeats) return text.substr(0, size);
  }
  return text;
}

/// Runs along the keyboard, the alphabet or the digits, forwards or backwards.
bool is_walk(const std::string& text) {
  std::string back(text.rbegin(), text.rend());
  return std::ranges::any_of(kRows, [&](std::string_view row) {
    return row.find(text) != row.npos || row.find(back) != row.npos;
  });
}

/// A few extra digits or signs at the ends make nothing of a common word, many of them may.
bool is_dressed_word(std::string_view text) {
  std::string_view core = core_of(text);
  if (core.size() < 3 || text.size() - core.size() > 6) return false;
  return is_word(core) || is_word(unit_of(core));
}

/// p4ssw0rd!23: letters written as digits, and up to six more characters behind them.
bool is_disguised_word(const std::string& text) {
  std::string plain = plain_letters(text);
  for (std::size_t extra = 0; extra <= 6 && extra + 4 <= text.size(); ++extra) {
    std::string_view tail = std::string_view(text).substr(text.size() - extra);
    if (std::ranges::any_of(tail, is_letter)) break;
    if (is_word(std::string_view(plain).substr(0, text.size() - extra))) return true;
  }
  return false;
}

bool all_digits_of_few_kinds(std::string_view text) {
  bool digits = std::ranges::all_of(text, [](unsigned char c) { return std::isdigit(c); });
  std::string kinds(text);
  std::ranges::sort(kinds);
  kinds.erase(std::ranges::unique(kinds).begin(), kinds.end());
  return kinds.size() <= 2 || (digits && text.size() <= 8);
}

}  // namespace

bool common_password(std::string_view password) {
  if (password.size() > 32) return false;
  std::string low = lowered(password);
  std::string_view unit = unit_of(low);
  if (unit.size() <= 3 || is_walk(low) || is_walk(std::string(unit)) || all_digits_of_few_kinds(low))
    return true;
  if (is_word(low) || is_word(unit) || is_dressed_word(low)) return true;
  return is_disguised_word(low);
}

}  // namespace antiphon::auth
