#include "common/nostr/nip44.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "common/crypto/hash.h"

// Vectors: nip44.vectors.json (SHA-256 269ed0f6...ce25040 is named by NIP-44), all but some of the
// conversation keys.
namespace manastr::nostr {
namespace {

struct KeyVector {
  const char *sec1, *pub2, *conversation_key;
};
constexpr KeyVector kKeys[] = {
    {"315e59ff51cb9209768cf7da80791ddcaae56ac9775eb25b6dee1234bc5d2268",
     "c2f9d9948dc8c7c38321e4b85c8558872eafa0641cd269db76848a6073e69133",
     "3dfef0ce2a4d80a25e7a328accf73448ef67096f65f79588e358d9a0eb9013f1"},
    {"a1e37752c9fdc1273be53f68c5f74be7c8905728e8de75800b94262f9497c86e",
     "03bb7947065dde12ba991ea045132581d0954f042c84e06d8c00066e23c1a800",
     "4d14f36e81b8452128da64fe6f1eae873baae2f444b02c950b90e43553f2178b"},
    {"98a5902fd67518a0c900f0fb62158f278f94a21d6f9d33d30cd3091195500311",
     "aae65c15f98e5e677b5050de82e3aba47a6fe49b3dab7863cf35d9478ba9f7d1",
     "9c00b769d5f54d02bf175b7284a1cbd28b6911b06cda6666b2243561ac96bad7"},
    {"86ae5ac8034eb2542ce23ec2f84375655dab7f836836bbd3c54cefe9fdc9c19f",
     "59f90272378089d73f1339710c02e2be6db584e9cdbe86eed3578f0c67c23585",
     "19f934aafd3324e8415299b64df42049afaa051c71c98d0aa10e1081f2e3e2ba"},
    {"2528c287fe822421bc0dc4c3615878eb98e8a8c31657616d08b29c00ce209e34",
     "f66ea16104c01a1c532e03f166c5370a22a5505753005a566366097150c6df60",
     "c833bbb292956c43366145326d53b955ffb5da4e4998a2d853611841903f5442"},
    {"49808637b2d21129478041813aceb6f2c9d4929cd1303cdaf4fbdbd690905ff2",
     "74d2aab13e97827ea21baf253ad7e39b974bb2498cc747cdb168582a11847b65",
     "4bf304d3c8c4608864c0fe03890b90279328cd24a018ffa9eb8f8ccec06b505d"},
    {"af67c382106242c5baabf856efdc0629cc1c5b4061f85b8ceaba52aa7e4b4082",
     "bdaf0001d63e7ec994fad736eab178ee3c2d7cfc925ae29f37d19224486db57b",
     "a3a575dd66d45e9379904047ebfb9a7873c471687d0535db00ef2daa24b391db"},
    {"0e44e2d1db3c1717b05ffa0f08d102a09c554a1cbbf678ab158b259a44e682f1",
     "1ffa76c5cc7a836af6914b840483726207cb750889753d7499fb8b76aa8fe0de",
     "a39970a667b7f861f100e3827f4adbf6f464e2697686fe1a81aeda817d6b8bdf"},
    {"5fc0070dbd0666dbddc21d788db04050b86ed8b456b080794c2a0c8e33287bb6",
     "31990752f296dd22e146c9e6f152a269d84b241cc95bb3ff8ec341628a54caf0",
     "72c21075f4b2349ce01a3e604e02a9ab9f07e35dd07eff746de348b4f3c6365e"},
    {"1b7de0d64d9b12ddbb52ef217a3a7c47c4362ce7ea837d760dad58ab313cba64",
     "24383541dd8083b93d144b431679d70ef4eec10c98fceef1eff08b1d81d4b065",
     "dd152a76b44e63d1afd4dfff0785fa07b3e494a9e8401aba31ff925caeb8f5b1"},
    {"df2f560e213ca5fb33b9ecde771c7c0cbd30f1cf43c2c24de54480069d9ab0af",
     "eeea26e552fc8b5e377acaa03e47daa2d7b0c787fac1e0774c9504d9094c430e",
     "770519e803b80f411c34aef59c3ca018608842ebf53909c48d35250bd9323af6"},
    {"cffff919fcc07b8003fdc63bc8a00c0f5dc81022c1c927c62c597352190d95b9",
     "eb5c3cca1a968e26684e5b0eb733aecfc844f95a09ac4e126a9e58a4e4902f92",
     "46a14ee7e80e439ec75c66f04ad824b53a632b8409a29bbb7c192e43c00bb795"},
};
constexpr std::array<const char*, 2> kBadKeys[] = {
    {"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
     "1234567890abcdef1234567890abcdef1234567890abcdef1234567890abcdef"},
    {"0000000000000000000000000000000000000000000000000000000000000000",
     "1234567890abcdef1234567890abcdef1234567890abcdef1234567890abcdef"},
    {"fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364139",
     "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"},
    {"fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141",
     "1234567890abcdef1234567890abcdef1234567890abcdef1234567890abcdef"},
    {"0000000000000000000000000000000000000000000000000000000000000002",
     "1234567890abcdef1234567890abcdef1234567890abcdef1234567890abcdef"},
    {"0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20",
     "0000000000000000000000000000000000000000000000000000000000000000"},
    {"0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20",
     "eb1f7200aecaa86682376fb1c13cd12b732221e774f553b0a0857f88fa20f86d"},
    {"0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20",
     "709858a4c121e4a84eb59c0ded0261093c71e8ca29efeef21a6161c447bcaf9f"},
};

struct Message {
  const char *sec1, *sec2, *conversation_key, *nonce, *plaintext, *payload;
};
constexpr Message kMessages[] = {
    {"0000000000000000000000000000000000000000000000000000000000000001",
     "0000000000000000000000000000000000000000000000000000000000000002",
     "c41c775356fd92eadc63ff5a0dc1da211b268cbea22316767095b2871ea1412d",
     "0000000000000000000000000000000000000000000000000000000000000001", "a",
     "AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABee0G5VSK0/9YypIObAtDKfYEAjD35uVkHyB0F4DwrcNaCXlCWZKa"
     "ArsGrY6M9wnuTMxWfp1RTN9Xga8no+kF5Vsb"},
    {"0000000000000000000000000000000000000000000000000000000000000002",
     "0000000000000000000000000000000000000000000000000000000000000001",
     "c41c775356fd92eadc63ff5a0dc1da211b268cbea22316767095b2871ea1412d",
     "f00000000000000000000000000000f00000000000000000000000000000000f", "\xf0\x9f\x8d\x95\xf0\x9f\xab\x83",
     "AvAAAAAAAAAAAAAAAAAAAPAAAAAAAAAAAAAAAAAAAAAPSKSK6is9ngkX2+cSq85Th16oRTISAOfhStnixqZziKMDvB0QQzgF"
     "ZdjLTPicCJaV8nDITO+QfaQ61+KbWQIOO2Yj"},
    {"5c0c523f52a5b6fad39ed2403092df8cebc36318b39383bca6c00808626fab3a",
     "4b22aa260e4acb7021e32f38a6cdf4b673c6a277755bfce287e370c924dc936d",
     "3e2b52a63be47d34fe0a80e34e73d436d6963bc8f39827f327057a9986c20a45",
     "b635236c42db20f021bb8d1cdff5ca75dd1a0cc72ea742ad750f33010b24f73b",
     "\xe8\xa1\xa8\xe3\x83\x9d\xe3\x81\x82"
     "A\xe9\xb7\x97\xc5\x92\xc3\xa9\xef\xbc\xa2\xe9\x80\x8d\xc3\x9c\xc3\x9f\xc2\xaa\xc4\x85\xc3\xb1\xe4\xb8"
     "\x82\xe3\x90\x80\xf0\xa0\x80\x80",
     "ArY1I2xC2yDwIbuNHN/1ynXdGgzHLqdCrXUPMwELJPc7s7JqlCMJBAIIjfkpHReBPXeoMCyuClwgbT419jUWU1PwaNl4FEQY"
     "KCDKVJz+97Mp3K+Q2YGa77B6gpxB/lr1QgoqpDf7wDVrDmOqGoiPjWDqy8KzLueKDcm9BVP8xeTJIxs="},
    {"8f40e50a84a7462e2b8d24c28898ef1f23359fff50d8c509e6fb7ce06e142f9c",
     "b9b0a1e9cc20100c5faa3bbe2777303d25950616c4c6a3fa2e3e046f936ec2ba",
     "d5a2f879123145a4b291d767428870f5a8d9e5007193321795b40183d4ab8c2b",
     "b20989adc3ddc41cd2c435952c0d59a91315d8c5218d5040573fc3749543acaf",
     "ability\xf0\x9f\xa4\x9d\xe7\x9a\x84 \xc8\xba\xc8\xbe",
     "ArIJia3D3cQc0sQ1lSwNWakTFdjFIY1QQFc/w3SVQ6yvbG2S0x4Yu86QGwPTy7mP3961I1XqB6SFFTzqDZZavhxoWMj7mEVG"
     "MQIsh2RLWI5EYQaQDIePSnXPlzf7CIt+voTD"},
    {"875adb475056aec0b4809bd2db9aa00cff53a649e7b59d8edcbf4e6330b0995c",
     "9c05781112d5b0a2a7148a222e50e0bd891d6b60c5483f03456e982185944aae",
     "3b15c977e20bfe4b8482991274635edd94f366595b1a3d2993515705ca3cedb8",
     "8d4442713eb9d4791175cb040d98d6fc5be8864d6ec2f89cf0895a2b2b72d1b1",
     "pepper\xf0\x9f\x91\x80\xd1\x97\xd0\xb6\xd0\xb0\xd0\xba",
     "Ao1EQnE+udR5EXXLBA2Y1vxb6IZNbsL4nPCJWisrctGxY3AduCS+jTUgAAnfvKafkmpy15+i9YMwCdccisRa8SvzW671T2JO"
     "4LFSPX31K4kYUKelSAdSPwe9NwO6LhOsnoJ+"},
    {"eba1687cab6a3101bfc68fd70f214aa4cc059e9ec1b79fdb9ad0a0a4e259829f",
     "dff20d262bef9dfd94666548f556393085e6ea421c8af86e9d333fa8747e94b3",
     "4f1538411098cf11c8af216836444787c462d47f97287f46cf7edb2c4915b8a5",
     "2180b52ae645fcf9f5080d81b1f0b5d6f2cd77ff3c986882bb549158462f3407",
     "( \xcd\xa1\xc2\xb0 \xcd\x9c\xca\x96 \xcd\xa1\xc2\xb0)",
     "AiGAtSrmRfz59QgNgbHwtdbyzXf/PJhogrtUkVhGLzQHv4qhKQwnFQ54OjVMgqCea/Vj0YqBSdhqNR777TJ4zIUk7R0fnizp"
     "6l1zwgzWv7+ee6u+0/89KIjY5q1wu6inyuiv"},
    {"d5633530f5bcfebceb5584cfbbf718a30df0751b729dd9a789b9f30c0587d74e",
     "b74e6a341fb134127272b795a08b59250e5fa45a82a2eb4095e4ce9ed5f5e214",
     "75fe686d21a035f0c7cd70da64ba307936e5ca0b20710496a6b6b5f573377bdd",
     "e4cd5f7ce4eea024bc71b17ad456a986a74ac426c2c62b0a15eb5c5c8f888b68",
     "\xd9\x85\xd9\x8f\xd9\x86\xd9\x8e\xd8\xa7\xd9\x82\xd9\x8e\xd8\xb4\xd9\x8e\xd8\xa9\xd9\x8f "
     "\xd8\xb3\xd9\x8f\xd8\xa8\xd9\x8f\xd9\x84\xd9\x90 "
     "\xd8\xa7\xd9\x90\xd8\xb3\xd9\x92\xd8\xaa\xd9\x90\xd8\xae\xd9\x92\xd8\xaf\xd9\x8e\xd8\xa7\xd9\x85\xd9"
     "\x90 \xd8\xa7\xd9\x84\xd9\x84\xd9\x8f\xd9\x91\xd8\xba\xd9\x8e\xd8\xa9\xd9\x90 \xd9\x81\xd9\x90\xd9\x8a "
     "\xd8\xa7\xd9\x84\xd9\x86\xd9\x8f\xd9\x91\xd8\xb8\xd9\x8f\xd9\x85\xd9\x90 "
     "\xd8\xa7\xd9\x84\xd9\x92\xd9\x82\xd9\x8e\xd8\xa7\xd8\xa6\xd9\x90\xd9\x85\xd9\x8e\xd8\xa9\xd9\x90 "
     "\xd9\x88\xd9\x8e\xd9\x81\xd9\x90\xd9\x8a\xd9\x85 "
     "\xd9\x8a\xd9\x8e\xd8\xae\xd9\x8f\xd8\xb5\xd9\x8e\xd9\x91 "
     "\xd8\xa7\xd9\x84\xd8\xaa\xd9\x8e\xd9\x91\xd8\xb7\xd9\x92\xd8\xa8\xd9\x90\xd9\x8a\xd9\x82\xd9\x8e\xd8"
     "\xa7\xd8\xaa\xd9\x8f "
     "\xd8\xa7\xd9\x84\xd9\x92\xd8\xad\xd8\xa7\xd8\xb3\xd9\x8f\xd9\x88\xd8\xa8\xd9\x90\xd9\x8a\xd9\x8e\xd9"
     "\x91\xd8\xa9\xd9\x8f\xd8\x8c",
     "AuTNX3zk7qAkvHGxetRWqYanSsQmwsYrChXrXFyPiItoIBsWu1CB+sStla2M4VeANASHxM78i1CfHQQH1YbBy24Tng7emYW4"
     "4ol6QkFD6D8Zq7QPl+8L1c47lx8RoODEQMvNCbOk5ffUV3/AhONHBXnffrI+0025c+uRGzfqpYki4lBqm9iYU+k3Tvjczq9w"
     "U0mkVDEaM34WiQi30MfkJdRbeeYaq6kNvGPunLb3xdjjs5DL720d61Flc5ZfoZm+CBhADy9D9XiVZYLKAlkijALJur9dATYK"
     "ci6OBOoc2SJS2Clai5hOVzR0yVeyHRgRfH9aLSlWW5dXcUxTo7qqRjNf8W5+J4jF4gNQp5f5d0YA4vPAzjBwSP/5bGzNDslK"
     "fcAH"},
    {"d5633530f5bcfebceb5584cfbbf718a30df0751b729dd9a789b9f30c0587d74e",
     "b74e6a341fb134127272b795a08b59250e5fa45a82a2eb4095e4ce9ed5f5e214",
     "75fe686d21a035f0c7cd70da64ba307936e5ca0b20710496a6b6b5f573377bdd",
     "38d1ca0abef9e5f564e89761a86cee04574b6825d3ef2063b10ad75899e4b023",
     "\xd8\xa7\xd9\x84\xd9\x83\xd9\x84 \xd9\x81\xd9\x8a \xd8\xa7\xd9\x84\xd9\x85\xd8\xac\xd9\x85\xd9\x88 "
     "\xd8\xb9\xd8\xa9 (5)",
     "AjjRygq++eX1ZOiXYahs7gRXS2gl0+8gY7EK11iZ5LAjbOTrlfrxak5Lki42v2jMPpLSicy8eHjsWkkMtF0i925vOaKG/ZkM"
     "Hh9ccQBdfTvgEGKzztedqDCAWb5TP1YwU1PsWaiiqG3+WgVvJiO4lUdMHXL7+zKKx8bgDtowzz4QAwI="},
    {"d5633530f5bcfebceb5584cfbbf718a30df0751b729dd9a789b9f30c0587d74e",
     "b74e6a341fb134127272b795a08b59250e5fa45a82a2eb4095e4ce9ed5f5e214",
     "75fe686d21a035f0c7cd70da64ba307936e5ca0b20710496a6b6b5f573377bdd",
     "4f1a31909f3483a9e69c8549a55bbc9af25fa5bbecf7bd32d9896f83ef2e12e0",
     "\xf0\x9d\x96\x91\xf0\x9d\x96\x86\xf0\x9d\x96\x9f\xf0\x9d\x96\x9e "
     "\xe7\xa4\xbe\xe6\x9c\x83\xe7\xa7\x91\xe5\xad\xb8\xe9\x99\xa2\xe8\xaa\x9e\xe5\xad\xb8\xe7\xa0\x94\xe7"
     "\xa9\xb6\xe6\x89\x80",
     "Ak8aMZCfNIOp5pyFSaVbvJryX6W77Pe9MtmJb4PvLhLgh/TsxPLFSANcT67EC1t/qxjru5ZoADjKVEt2ejdx+xGvH49mcdfb"
     "c+l+L7gJtkH7GLKpE9pQNQWNHMAmj043PAXJZ++fiJObMRR2mye5VHEANzZWkZXMrXF7YjuG10S1pOU="},
    {"d5633530f5bcfebceb5584cfbbf718a30df0751b729dd9a789b9f30c0587d74e",
     "b74e6a341fb134127272b795a08b59250e5fa45a82a2eb4095e4ce9ed5f5e214",
     "75fe686d21a035f0c7cd70da64ba307936e5ca0b20710496a6b6b5f573377bdd",
     "a3e219242d85465e70adcd640b564b3feff57d2ef8745d5e7a0663b2dccceb54",
     "\xf0\x9f\x99\x88 \xf0\x9f\x99\x89 \xf0\x9f\x99\x8a 0\xef\xb8\x8f\xe2\x83\xa3 1\xef\xb8\x8f\xe2\x83\xa3 "
     "2\xef\xb8\x8f\xe2\x83\xa3 3\xef\xb8\x8f\xe2\x83\xa3 4\xef\xb8\x8f\xe2\x83\xa3 "
     "5\xef\xb8\x8f\xe2\x83\xa3 6\xef\xb8\x8f\xe2\x83\xa3 7\xef\xb8\x8f\xe2\x83\xa3 "
     "8\xef\xb8\x8f\xe2\x83\xa3 9\xef\xb8\x8f\xe2\x83\xa3 \xf0\x9f\x94\x9f "
     "Power\xd9\x84\xd9\x8f\xd9\x84\xd9\x8f\xd8\xb5\xd9\x91\xd8\xa8\xd9\x8f\xd9\x84\xd9\x8f\xd9\x84\xd8\xb5"
     "\xd9\x91\xd8\xa8\xd9\x8f\xd8\xb1\xd8\xb1\xd9\x8b \xe0\xa5\xa3 \xe0\xa5\xa3h \xe0\xa5\xa3 "
     "\xe0\xa5\xa3\xe5\x86\x97",
     "AqPiGSQthUZecK3NZAtWSz/v9X0u+HRdXnoGY7LczOtUf05aMF89q1FLwJvaFJYICZoMYgRJHFLwPiOHce7fuAc40kX0wXJv"
     "ipyBJ9HzCOj7CgtnC1/cmPCHR3s5AIORmroBWglm1LiFMohv1FSPEbaBD51VXxJa4JyWpYhreSOEjn1wd0lMKC9b+osV2N2t"
     "pbs+rbpQem2tRen3sWflmCqjkG5VOVwRErCuXuPb5+hYwd8BoZbfCrsiAVLd7YT44dRtKNBx6rkabWfddKSLtreHLDysOhQU"
     "VOp/XkE7OzSkWl6sky0Hva6qJJ/V726hMlomvcLHjE41iKmW2CpcZfOedg=="},
};

struct LongMessage {
  const char *conversation_key, *nonce, *pattern;
  int repeat;
  const char* payload_sha256;
};
constexpr LongMessage kLongMessages[] = {
    {"8fc262099ce0d0bb9b89bac05bb9e04f9bc0090acc181fef6840ccee470371ed",
     "326bcb2c943cd6bb717588c9e5a7e738edf6ed14ec5f5344caa6ef56f0b9cff7", "x", 65535,
     "90714492225faba06310bff2f249ebdc2a5e609d65a629f1c87f2d4ffc55330a"},
    {"56adbe3720339363ab9c3b8526ffce9fd77600927488bfc4b59f7a68ffe5eae0",
     "ad68da81833c2a8ff609c3d2c0335fd44fe5954f85bb580c6a8d467aa9fc5dd0", "!", 65535,
     "8013e45a109fad3362133132b460a2d5bce235fe71c8b8f4014793fb52a49844"},
    {"7fc540779979e472bb8d12480b443d1e5eb1098eae546ef2390bee499bbf46be",
     "34905e82105c20de9a2f6cd385a0d541e6bcc10601d12481ff3a7575dc622033", "\xf0\x9f\xa6\x84", 16383,
     "b3348422471da1f3c59d79acfe2fe103f3cd24488109e5b18734cdb5953afd15"},
};

struct BadPayload {
  const char *conversation_key, *payload, *note;
};
constexpr BadPayload kBadPayloads[] = {
    {"ca2527a037347b91bea0c8a30fc8d9600ffd81ec00038671e3a0f0cb0fc9f642",
     "#Atqupco0WyaOW2IGDKcshwxI9xO8HgD/P8Ddt46CbxDbrhdG8VmJdU0MIDf06CUvEvdnr1cp1fiMtlM"
     "/GrE92xAc1K5odTpCzUB+mjXgbaqtntBUbTToSUoT0ovrlPwzGjyp",
     "unknown encryption version"},
    {"36f04e558af246352dcf73b692fbd3646a2207bd8abd4b1cd26b234db84d9481",
     "AK1AjUvoYW3IS7C/BGRUoqEC7ayTfDUgnEPNeWTF/reBZFaha6EAIRueE9D1B1RuoiuFScC0Q94yjIux"
     "ZD3JStQtE8JMNacWFs9rlYP+ZydtHhRucp+lxfdvFlaGV/sQlqZz",
     "unknown encryption version 0"},
    {"ca2527a037347b91bea0c8a30fc8d9600ffd81ec00038671e3a0f0cb0fc9f642",
     "At\xd1\x84upco0WyaOW2IGDKcshwxI9xO8HgD/P8Ddt46CbxDbrhdG8VmJZE0UICD06CUvEvdnr1cp1fiMtlM/"
     "GrE92xAc1EwsVCQEgWEu2gsHUVf4JAa3TpgkmFc3TWsax0v6n/Wq",
     "invalid base64"},
    {"cff7bd6a3e29a450fd27f6c125d5edeb0987c475fd1e8d97591e0d4d8a89763c",
     "Agn/l3ULCEAS4V7LhGFM6IGA17jsDUaFCKhrbXDANholyySBfeh+EN8wNB9gaLlg4j6wdBYh+3oK+mnx"
     "Wu3NKRbSvQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
     "invalid MAC"},
    {"cfcc9cf682dfb00b11357f65bdc45e29156b69db424d20b3596919074f5bf957",
     "AmWxSwuUmqp9UsQX63U7OQ6K1thLI69L7G2b+j4DoIr0oRWQ8avl4OLqWZiTJ10vIgKrNqjoaX+fNhE9"
     "RqmR5g0f6BtUg1ijFMz71MO1D4lQLQfW7+UHva8PGYgQ1QpHlKgR",
     "invalid MAC"},
    {"5254827d29177622d40a7b67cad014fe7137700c3c523903ebbe3e1b74d40214",
     "Anq2XbuLvCuONcr7V0UxTh8FAyWoZNEdBHXvdbNmDZHB573MI7R7rrTYftpqmvUpahmBC2sngmI14/L0"
     "HjOZ7lWGJlzdh6luiOnGPc46cGxf08MRC4CIuxx3i2Lm0KqgJ7vA",
     "invalid padding"},
    {"fea39aca9aa8340c3a78ae1f0902aa7e726946e4efcd7783379df8096029c496",
     "An1Cg+O1TIhdav7ogfSOYvCj9dep4ctxzKtZSniCw5MwRrrPJFyAQYZh5VpjC2QYzny5LIQ9v9lhqmZR"
     "4WBYRNJ0ognHVNMwiFV1SHpvUFT8HHZN/m/QarflbvDHAtO6pY16",
     "invalid padding"},
    {"0c4cffb7a6f7e706ec94b2e879f1fc54ff8de38d8db87e11787694d5392d5b3f",
     "Am+f1yZnwnOs0jymZTcRpwhDRHTdnrFcPtsBzpqVdD6b2NZDaNm/TPkZGr75kbB6tCSoq7YRcbPiNfJX"
     "Nch3Tf+o9+zZTMxwjgX/nm3yDKR2kHQMBhVleCB9uPuljl40AJ8kXRD0gjw+aYRJFUMK9gCETZAjjmrs"
     "CM+nGRZ1FfNsHr6Z",
     "invalid padding"},
    {"5cd2d13b9e355aeb2452afbd3786870dbeecb9d355b12cb0a3b6e9da5744cd35", "", "invalid payload length: 0"},
    {"d61d3f09c7dfe1c0be91af7109b60a7d9d498920c90cbba1e137320fdd938853", "Ag==", "invalid payload length: 4"},
    {"873bb0fc665eb950a8e7d5971965539f6ebd645c83c08cd6a85aafbad0f0bc47",
     "AqxgToSh3H7iLYRJjoWAM+vSv/Y1mgNlm6OWWjOYUClrFF8=", "invalid payload length: 48"},
    {"9f2fef8f5401ac33f74641b568a7a30bb19409c76ffdc5eae2db6b39d2617fbe",
     "Ap/2SEZCVFIhYk6qx7nqJxM6TMI1ZoKmAzrO7vBDVJhhuZXWiM20i/tIsbjT0KxkJs2MZjh1oXNYMO9g"
     "gfk7i47WQA==",
     "invalid payload length: 92"},
};

ConversationKey shared(const char* hex) { return ConversationKey(*array_from_hex<32>(hex)); }

TEST(Nip44, ConversationKeys) {
  for (const KeyVector& vector : kKeys) {
    const auto key =
        conversation_key(*crypto::SecretKey::from_hex(vector.sec1), *crypto::XOnlyKey::from_hex(vector.pub2));
    ASSERT_TRUE(key) << vector.sec1;
    EXPECT_EQ(to_hex(key->reveal()), vector.conversation_key);
  }
  for (const auto& [sec1, pub2] : kBadKeys) {
    const auto secret = crypto::SecretKey::from_hex(sec1);
    EXPECT_TRUE(!secret || !conversation_key(*secret, *crypto::XOnlyKey::from_hex(pub2))) << sec1;
  }
}

TEST(Nip44, Messages) {
  for (const Message& vector : kMessages) {
    const auto one = *crypto::SecretKey::from_hex(vector.sec1);
    const auto two = *crypto::SecretKey::from_hex(vector.sec2);
    const auto key = conversation_key(one, two.x_only());
    EXPECT_EQ(to_hex(key->reveal()), vector.conversation_key);
    EXPECT_EQ(key->reveal(), conversation_key(two, one.x_only())->reveal());
    EXPECT_EQ(*nip44_encrypt(*key, vector.plaintext, *array_from_hex<32>(vector.nonce)), vector.payload);
    EXPECT_EQ(*nip44_decrypt(*key, vector.payload), vector.plaintext);
  }
}

TEST(Nip44, LongMessages) {
  for (const LongMessage& vector : kLongMessages) {
    std::string plaintext;
    for (int i = 0; i < vector.repeat; ++i) plaintext += vector.pattern;
    const auto payload =
        nip44_encrypt(shared(vector.conversation_key), plaintext, *array_from_hex<32>(vector.nonce));
    ASSERT_TRUE(payload);
    EXPECT_EQ(to_hex(crypto::sha256(as_bytes(*payload))), vector.payload_sha256);
    EXPECT_EQ(*nip44_decrypt(shared(vector.conversation_key), *payload), plaintext);
  }
}

TEST(Nip44, RefusesBadPayloadsAndLengths) {
  for (const BadPayload& vector : kBadPayloads) {
    EXPECT_FALSE(nip44_decrypt(shared(vector.conversation_key), vector.payload)) << vector.note;
  }
  for (const std::size_t size : {0u, 65536u, 100000u}) {
    EXPECT_FALSE(nip44_encrypt(ConversationKey(), std::string(size, 'x'), {})) << size;
  }
}

TEST(Nip44, PadsInSteps) {
  const std::array<std::size_t, 2> sizes[] = {
      {16, 32},   {32, 32},   {33, 64},   {37, 64},   {45, 64},   {49, 64},    {64, 64},    {65, 96},
      {100, 128}, {111, 128}, {200, 224}, {250, 256}, {320, 320}, {383, 384},  {384, 384},  {400, 448},
      {500, 512}, {512, 512}, {515, 640}, {700, 768}, {800, 896}, {900, 1024}, {1020, 1024}};
  for (const auto& [size, padded] : sizes) {
    const auto payload = nip44_encrypt(ConversationKey(), std::string(size, 'x'), {});
    EXPECT_EQ(from_base64(*payload)->size(), 1 + 32 + 2 + padded + 32) << size;
  }
}

RC_GTEST_PROP(Nip44, DecryptUndoesEncryptAndNoticesEveryChange,
              (const Hash32& key_bytes, const Hash32& nonce, const std::string& text)) {
  RC_PRE(!text.empty());
  const ConversationKey key(key_bytes);
  const auto payload = *nip44_encrypt(key, text, nonce);
  RC_ASSERT(*nip44_decrypt(key, payload) == text);
  auto bytes = *from_base64(payload);
  bytes[*rc::gen::inRange<std::size_t>(0, bytes.size())] ^= 1;
  RC_ASSERT(!nip44_decrypt(key, to_base64(bytes)));
}

}  // namespace
}  // namespace manastr::nostr
