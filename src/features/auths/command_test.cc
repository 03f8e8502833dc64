#include "features/auths/command.h"

#include <gmock/gmock.h>

#include "testing/test_app.h"

namespace antiphon::auths {
namespace {

class UserCommand : public ::testing::Test {
 protected:
  CommandResult command(std::vector<std::string> words, std::string password = "") {
    return run(
        [&] { return user_command(*app.auth, app.settings, *app.config, words, Secret(password)); });
  }
  int sign_in(const std::string& email, const std::string& password) {
    return app.anonymous()
        .post("/api/v1/auths/signin", R"({"email":")" + email + R"(","password":")" + password + "\"}")
        .status;
  }
  testing::TestApp app;
};

TEST_F(UserCommand, AddsListsPromotesAndHelpsThoseWhoForgot) {
  EXPECT_EQ(command({"add", "ann@x.io", "Ann"}, "correct horse 17").output, "ann@x.io: admin\n");
  CommandResult bob = command({"add", "bob@x.io", "--role", "user"});
  EXPECT_THAT(bob.output, ::testing::HasSubstr("bob@x.io: user\npassword: "));
  EXPECT_EQ(sign_in("ann@x.io", "correct horse 17"), 200);
  EXPECT_EQ(sign_in("bob@x.io", bob.output.substr(bob.output.size() - 25, 24)), 200);

  EXPECT_EQ(command({"list"}).output, "admin\tann@x.io\tAnn\nuser\tbob@x.io\tbob@x.io\n");
  EXPECT_EQ(command({"role", "bob@x.io", "admin"}).code, 0);
  EXPECT_EQ(command({"reset-password", "bob@x.io"}, "better horse 18").code, 0);
  EXPECT_EQ(sign_in("bob@x.io", "better horse 18"), 200);
}

TEST_F(UserCommand, ClosesTheDoorBehindTheFirst) {
  command({"add", "ann@x.io"}, "correct horse 17");
  run([&] { return app.config->refresh(); });

  EXPECT_FALSE(app.settings.enable_signup());
}

TEST_F(UserCommand, SaysWhatIsWrong) {
  EXPECT_THAT(command({}).output, ::testing::HasSubstr("antiphon user add"));
  EXPECT_EQ(command({"role", "nobody@x.io", "admin"}).code, 1);
  EXPECT_EQ(command({"role", "nobody@x.io", "god"}).code, 1);
  EXPECT_EQ(command({"reset-password", "nobody@x.io"}).code, 1);
  command({"add", "ann@x.io"});
  EXPECT_EQ(command({"add", "Ann@x.io"}).code, 1);
}

}  // namespace
}  // namespace antiphon::auths
